//! Matches a pattern by backtracking, as Lua 5.1 does.
//!
//! Lua's own matcher calls itself for each choice: a long pattern overflows the stack of the process, and one with many
//! choices runs for hours within one function. Here the choices lie in a vector, and now and then the matcher asks
//! whether the script may go on.
//!
//! A pattern is read as it is matched, so what is wrong with it is found only if the match comes that far.

use super::super::goes_on::Steps;
use super::item::{self, Fault, byte};

/// A pattern may have so many captures.
const MOST_CAPTURES: usize = 32;

/// So many choices may be open at once. A pattern opens at most one for each of its characters.
const MOST_CHOICES: usize = 1 << 20;

/// A part of the subject that has matched a part of the pattern in parentheses.
struct Capture {
    start: usize,
    extent: Extent,
}

enum Extent {
    /// Its closing parenthesis has not been met.
    Open,
    /// `()`: it is a position, counted from 1.
    Position,
    Length(usize),
}

/// What a capture is to a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Captured<'a> {
    Text(&'a [u8]),
    Position(usize),
}

/// What is to be done if the match fails from here.
enum Choice {
    /// Goes on without the item: `?`.
    Without { at: usize, next: usize },
    /// Gives back one of the bytes that the item has matched: `*` and `+`. The last that may be is at `least`.
    Fewer { least: usize, at: usize, next: usize },
    /// Lets the item match one byte more: `-`.
    More { at: usize, item: usize, next: usize },
    /// A capture was opened: it is no more.
    Opened,
    /// A capture was closed: it is open again.
    Closed(usize),
}

/// What one step through the pattern has come to.
enum Step {
    /// Goes on at this place of the subject and this one of the pattern.
    On(usize, usize),
    Failed,
    Matched,
}

/// A pattern, and the subject that it is matched with.
pub(super) struct Matcher<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    captures: Vec<Capture>,
    choices: Vec<Choice>,
    steps: Steps,
}

impl<'a> Matcher<'a> {
    /// The pattern ends before its first NUL.
    pub(super) fn new(subject: &'a [u8], pattern: &'a [u8]) -> Matcher<'a> {
        let end = pattern.iter().position(|&byte| byte == 0).unwrap_or(pattern.len());
        let (captures, choices) = (Vec::new(), Vec::new());
        Matcher { subject, pattern: &pattern[..end], captures, choices, steps: Steps::resume() }
    }

    /// Takes an anchor off the pattern. Returns whether there was one.
    pub(super) fn take_anchor(&mut self) -> bool {
        let rest = self.pattern.strip_prefix(b"^");
        self.pattern = rest.unwrap_or(self.pattern);
        rest.is_some()
    }

    /// The first match that begins at `from` or, without an anchor, behind it: where it begins and ends.
    pub(super) fn search(
        &mut self,
        from: usize,
        is_anchored: bool,
    ) -> Result<Option<(usize, usize)>, Fault> {
        for start in from..=self.subject.len() {
            if let Some(end) = self.match_at(start)? {
                return Ok(Some((start, end)));
            }
            if is_anchored {
                break;
            }
        }
        Ok(None)
    }

    /// Matches the whole pattern with what begins at `start`. Returns where it ends.
    pub(super) fn match_at(&mut self, start: usize) -> Result<Option<usize>, Fault> {
        self.captures.clear();
        self.choices.clear();
        let (mut at, mut next) = (start, 0);
        loop {
            self.steps.spend(1)?;
            match self.step(at, next)? {
                Step::On(then, following) => (at, next) = (then, following),
                Step::Matched => return Ok(Some(at)),
                Step::Failed => match self.back()? {
                    Some(choice) => (at, next) = choice,
                    None => return Ok(None),
                },
            }
        }
    }

    /// Counts steps that are not those through the pattern.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Fault> {
        Ok(self.steps.spend(steps)?)
    }

    /// Matches one item, or one of what stands between items.
    fn step(&mut self, at: usize, next: usize) -> Result<Step, Fault> {
        match byte(self.pattern, next) {
            b'(' if byte(self.pattern, next + 1) == b')' => {
                self.open(at, Extent::Position)?;
                Ok(Step::On(at, next + 2))
            }
            b'(' => {
                self.open(at, Extent::Open)?;
                Ok(Step::On(at, next + 1))
            }
            b')' => {
                self.close(at)?;
                Ok(Step::On(at, next + 1))
            }
            b'%' => match byte(self.pattern, next + 1) {
                b'b' => self.balanced(at, next + 2),
                b'f' => self.frontier(at, next + 2),
                digit @ b'0'..=b'9' => self.repeated(at, digit, next + 2),
                _ => self.item(at, next),
            },
            b'$' if next + 1 == self.pattern.len() => match at == self.subject.len() {
                true => Ok(Step::Matched),
                false => Ok(Step::Failed),
            },
            0 => Ok(Step::Matched),
            _ => self.item(at, next),
        }
    }

    /// Goes back to the last choice that is left. Returns where the match goes on, if it does.
    fn back(&mut self) -> Result<Option<(usize, usize)>, Fault> {
        while let Some(choice) = self.choices.pop() {
            match choice {
                Choice::Without { at, next } => return Ok(Some((at, next))),
                Choice::Fewer { least, at, next } => {
                    let at = at - 1;
                    if at > least {
                        self.choices.push(Choice::Fewer { least, at, next });
                    }
                    return Ok(Some((at, next)));
                }
                Choice::More { at, item, next } => {
                    if self.is_match(at, item, next - 1)? {
                        self.choices.push(Choice::More { at: at + 1, item, next });
                        return Ok(Some((at + 1, next)));
                    }
                }
                Choice::Opened => {
                    self.captures.pop();
                }
                Choice::Closed(index) => self.captures[index].extent = Extent::Open,
            }
        }
        Ok(None)
    }

    fn choose(&mut self, choice: Choice) -> Result<(), Fault> {
        if self.choices.len() >= MOST_CHOICES {
            return Err(Fault::Pattern("pattern too complex"));
        }
        self.choices.push(choice);
        Ok(())
    }

    /// An item, with `?`, `*`, `+` or `-` behind it or nothing.
    fn item(&mut self, at: usize, start: usize) -> Result<Step, Fault> {
        let end = item::end(self.pattern, start)?;
        let next = end + 1;
        match byte(self.pattern, end) {
            b'?' => {
                if !self.is_match(at, start, end)? {
                    return Ok(Step::On(at, next));
                }
                self.choose(Choice::Without { at, next })?;
                Ok(Step::On(at + 1, next))
            }
            b'*' => self.most(at, at, start, end),
            b'+' => match self.is_match(at, start, end)? {
                true => self.most(at + 1, at + 1, start, end),
                false => Ok(Step::Failed),
            },
            b'-' => {
                self.choose(Choice::More { at, item: start, next })?;
                Ok(Step::On(at, next))
            }
            _ => match self.is_match(at, start, end)? {
                true => Ok(Step::On(at + 1, end)),
                false => Ok(Step::Failed),
            },
        }
    }

    /// Lets the item match as much as it can.
    fn most(
        &mut self,
        least: usize,
        mut at: usize,
        start: usize,
        end: usize,
    ) -> Result<Step, Fault> {
        while self.is_match(at, start, end)? {
            at += 1;
        }
        let next = end + 1;
        if at > least {
            self.choose(Choice::Fewer { least, at, next })?;
        }
        Ok(Step::On(at, next))
    }

    /// Returns whether the item matches the byte of the subject at `at`. A long set takes many steps.
    #[inline]
    fn is_match(&mut self, at: usize, start: usize, end: usize) -> Result<bool, Fault> {
        self.steps.spend(end - start)?;
        let byte = self.subject.get(at);
        Ok(byte.is_some_and(|&byte| item::matches(&self.pattern[start..end], byte)))
    }

    fn open(&mut self, start: usize, extent: Extent) -> Result<(), Fault> {
        if self.captures.len() >= MOST_CAPTURES {
            return Err(Fault::Pattern("too many captures"));
        }
        self.captures.push(Capture { start, extent });
        self.choose(Choice::Opened)
    }

    fn close(&mut self, at: usize) -> Result<(), Fault> {
        let is_open = |capture: &Capture| matches!(capture.extent, Extent::Open);
        let Some(index) = self.captures.iter().rposition(is_open) else {
            return Err(Fault::Pattern("invalid pattern capture"));
        };
        let capture = &mut self.captures[index];
        capture.extent = Extent::Length(at - capture.start);
        self.choose(Choice::Closed(index))
    }

    /// `%bxy`: from an x to the y that belongs to it. `pair` is where the two are.
    fn balanced(&mut self, at: usize, pair: usize) -> Result<Step, Fault> {
        let (opens, closes) = (byte(self.pattern, pair), byte(self.pattern, pair + 1));
        if opens == 0 || closes == 0 {
            return Err(Fault::Pattern("unbalanced pattern"));
        }
        if self.subject.get(at) != Some(&opens) {
            return Ok(Step::Failed);
        }
        let mut depth = 1usize;
        for index in at + 1..self.subject.len() {
            self.steps.spend(1)?;
            let byte = self.subject[index];
            if byte == closes {
                depth -= 1;
                if depth == 0 {
                    return Ok(Step::On(index + 1, pair + 2));
                }
            } else if byte == opens {
                depth += 1;
            }
        }
        Ok(Step::Failed)
    }

    /// `%f[set]`: between a byte that is not in the set and one that is. Before the subject and behind it is a NUL.
    fn frontier(&mut self, at: usize, start: usize) -> Result<Step, Fault> {
        if byte(self.pattern, start) != b'[' {
            return Err(Fault::Pattern("missing '[' after '%f' in pattern"));
        }
        let end = item::end(self.pattern, start)?;
        self.steps.spend(end - start)?;
        let set = &self.pattern[start..end];
        let before = at.checked_sub(1).map_or(0, |before| self.subject[before]);
        let behind = self.subject.get(at).copied().unwrap_or(0);
        match !item::is_in_set(before, set) && item::is_in_set(behind, set) {
            true => Ok(Step::On(at, end)),
            false => Ok(Step::Failed),
        }
    }

    /// `%1`: what a capture has matched, once more. A position never comes again.
    fn repeated(&mut self, at: usize, digit: u8, next: usize) -> Result<Step, Fault> {
        let index = usize::from(digit).checked_sub(usize::from(b'1'));
        let capture = index.and_then(|index| self.captures.get(index));
        let Some(&Capture { start, ref extent }) = capture else {
            return Err(Fault::Pattern("invalid capture index"));
        };
        let length = match *extent {
            Extent::Open => return Err(Fault::Pattern("invalid capture index")),
            Extent::Position => return Ok(Step::Failed),
            Extent::Length(length) => length,
        };
        self.steps.spend(length / 16)?;
        match self.subject[at..].starts_with(&self.subject[start..start + length]) {
            true => Ok(Step::On(at + length, next)),
            false => Ok(Step::Failed),
        }
    }

    /// How many captures the match has: the whole match is one if the pattern has none.
    pub(super) fn count(&self) -> usize {
        self.captures.len().max(1)
    }

    /// The whole match.
    pub(super) fn whole(&self, start: usize, end: usize) -> Captured<'a> {
        Captured::Text(&self.subject[start..end])
    }

    /// The capture at `index`, counted from 0, of the match from `start` to `end`.
    pub(super) fn captured(
        &self,
        index: usize,
        start: usize,
        end: usize,
    ) -> Result<Captured<'a>, Fault> {
        match self.captures.get(index) {
            None if index == 0 => Ok(self.whole(start, end)),
            None => Err(Fault::Pattern("invalid capture index")),
            Some(&Capture { start, ref extent }) => match *extent {
                Extent::Open => Err(Fault::Pattern("unfinished capture")),
                Extent::Position => Ok(Captured::Position(start + 1)),
                Extent::Length(length) => Ok(Captured::Text(&self.subject[start..start + length])),
            },
        }
    }

    /// How many of the pattern's own captures the match has.
    pub(super) fn own_count(&self) -> usize {
        self.captures.len()
    }
}

/// Finds a text as it stands: where it begins. `from` is where the search begins.
pub(super) fn find_plain(
    subject: &[u8],
    text: &[u8],
    from: usize,
) -> Result<Option<usize>, Box<mlua::Error>> {
    /// Bytes that are looked through at a time.
    const CHUNK: usize = 4096;
    let Some((first, rest)) = text.split_first() else {
        return Ok(Some(from));
    };
    let mut steps = Steps::resume();
    let end = subject.len().saturating_sub(rest.len());
    let mut at = from;
    while at < end {
        let chunk = &subject[at..end.min(at + CHUNK)];
        match chunk.iter().position(|byte| byte == first) {
            None => {
                steps.spend(chunk.len() / 4)?;
                at += chunk.len();
            }
            Some(skipped) => {
                // Comparing long texts is quick, and may be done for every byte of the subject.
                steps.spend(1 + skipped / 4 + rest.len() / 16)?;
                at += skipped + 1;
                if subject[at..].starts_with(rest) {
                    return Ok(Some(at - 1));
                }
            }
        }
    }
    Ok(None)
}
