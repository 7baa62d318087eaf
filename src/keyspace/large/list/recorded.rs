//! Which nodes of a list are to be recorded, and copies of those that have changed since the moment.
//!
//! Elements are told in their order, so the walk goes from the left. What is to be recorded is a row of runs: nodes that
//! were kept because they changed or went, and then nodes that lie in the list as they were. Between those runs lie nodes
//! that are no part of the moment any more, or never were.

use std::collections::VecDeque;

use super::Node;

/// The nodes to be recorded of a list that is being recorded; for any other, nothing. A copy of the list has none.
#[derive(Debug, Default)]
pub(crate) struct Recorded(Option<Box<Runs>>);

#[derive(Debug)]
struct Runs {
    /// The number under which the moment knows the list.
    id: u64,
    runs: VecDeque<Run>,
    /// Nodes that were kept and come behind the last run.
    last: VecDeque<Node>,
    /// The position in the list behind the last run.
    end: usize,
    /// Bytes that kept nodes hold.
    kept: usize,
    /// Bytes of memory when [`Recorded::growth`] was asked for the last time.
    known: usize,
}

/// Nodes that come one after another at the moment.
#[derive(Debug)]
struct Run {
    kept: VecDeque<Node>,
    /// How many other nodes lie in the list before those that are as they were.
    gap: usize,
    /// How many are as they were. One at least.
    count: usize,
}

/// Bytes that a kept node holds.
fn bytes(node: &Node) -> usize {
    node.memory() + size_of::<Node>()
}

impl Recorded {
    /// All nodes of a list, which has so many, are to be recorded.
    pub(crate) fn open(&mut self, id: u64, nodes: usize) {
        let run = Run { kept: VecDeque::new(), gap: 0, count: nodes };
        let runs = (nodes > 0).then_some(run).into_iter().collect();
        let last = VecDeque::new();
        self.0 = Some(Box::new(Runs { id, runs, last, end: nodes, kept: 0, known: 0 }));
    }

    /// There is nothing to record any more. Returns what was kept, to be freed.
    pub(crate) fn close(&mut self) -> VecDeque<Node> {
        let Some(runs) = self.0.take() else { return VecDeque::new() };
        runs.runs.into_iter().flat_map(|run| run.kept).chain(runs.last).collect()
    }

    /// The number that [`Recorded::open`] was told, if the list is being recorded.
    pub(crate) fn id(&self) -> Option<u64> {
        self.0.as_ref().map(|runs| runs.id)
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Bytes of memory.
    pub(crate) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |runs| runs.kept)
    }

    /// By how much the memory has grown since the last call.
    pub(crate) fn growth(&mut self) -> usize {
        let memory = self.memory();
        self.0
            .as_mut()
            .map_or(0, |runs| memory.saturating_sub(std::mem::replace(&mut runs.known, memory)))
    }

    /// The node at a position is about to change.
    #[inline]
    pub(super) fn changes(&mut self, at: usize, node: &Node) {
        if let Some(runs) = &mut self.0
            && let Some(place) = runs.find(at)
        {
            runs.keep(place, node.clone());
        }
    }

    /// A node was put in at a position.
    #[inline]
    pub(super) fn inserted(&mut self, at: usize) {
        if let Some(runs) = &mut self.0 {
            runs.inserted(at);
        }
    }

    /// A node was taken out at a position. Returns it if it need not be kept.
    #[inline]
    pub(super) fn removed(&mut self, at: usize, node: Node) -> Option<Node> {
        match &mut self.0 {
            Some(runs) => runs.removed(at, node),
            None => Some(node),
        }
    }

    /// Calls `tell` with nodes that are to be recorded until it returns false. Returns whether there are more.
    pub(super) fn tell_some(
        &mut self,
        nodes: &VecDeque<Node>,
        mut tell: impl FnMut(&Node) -> bool,
    ) -> bool {
        let Some(runs) = &mut self.0 else { return false };
        loop {
            let goes_on = if let Some(node) = runs.next_kept() {
                tell(&node)
            } else if let Some(node) = runs.next_in_list().and_then(|at| nodes.get(at)) {
                tell(node)
            } else {
                return false;
            };
            if !goes_on {
                return true;
            }
        }
    }
}

impl Runs {
    /// The run that has the node at a position, and its number there. `None`: it is not to be recorded.
    fn find(&self, at: usize) -> Option<(usize, usize)> {
        if at >= self.end {
            return None;
        }
        if at + 1 == self.end {
            let last = self.runs.len().checked_sub(1)?;
            return Some((last, self.runs[last].count - 1));
        }
        let mut start = 0;
        for (index, run) in self.runs.iter().enumerate() {
            start += run.gap;
            if at < start {
                return None;
            }
            if at < start + run.count {
                return Some((index, at - start));
            }
            start += run.count;
        }
        None
    }

    /// Keeps the node at a place that [`Runs::find`] has told. What lies in the list there is another from now on.
    fn keep(&mut self, (index, number): (usize, usize), node: Node) {
        self.kept += bytes(&node);
        let run = &mut self.runs[index];
        if number == 0 {
            run.kept.push_back(node);
            run.gap += 1;
            run.count -= 1;
            self.join_if_empty(index);
        } else if number + 1 < run.count {
            let rest = run.count - number - 1;
            run.count = number;
            let kept = VecDeque::from([node]);
            self.runs.insert(index + 1, Run { kept, gap: 1, count: rest });
        } else {
            run.count -= 1;
            match self.runs.get_mut(index + 1) {
                Some(next) => {
                    next.kept.push_front(node);
                    next.gap += 1;
                }
                None => {
                    self.last.push_front(node);
                    self.end -= 1;
                }
            }
        }
    }

    /// A run none of whose nodes is in the list any more becomes a part of the next.
    fn join_if_empty(&mut self, index: usize) {
        if self.runs[index].count > 0 {
            return;
        }
        let Some(mut run) = self.runs.remove(index) else { return };
        let after = match self.runs.get_mut(index) {
            Some(next) => {
                next.gap += run.gap;
                &mut next.kept
            }
            None => {
                self.end -= run.gap;
                &mut self.last
            }
        };
        if !run.kept.is_empty() {
            run.kept.append(after);
            *after = run.kept;
        }
    }

    fn inserted(&mut self, at: usize) {
        if at >= self.end {
            return;
        }
        self.end += 1;
        let mut start = 0;
        for (index, run) in self.runs.iter_mut().enumerate() {
            if at <= start + run.gap {
                run.gap += 1;
                return;
            }
            start += run.gap;
            if at < start + run.count {
                let rest = start + run.count - at;
                run.count -= rest;
                let kept = VecDeque::new();
                return self.runs.insert(index + 1, Run { kept, gap: 1, count: rest });
            }
            start += run.count;
        }
    }

    fn removed(&mut self, at: usize, node: Node) -> Option<Node> {
        let mut node = Some(node);
        if let Some(place) = self.find(at)
            && let Some(node) = node.take()
        {
            self.keep(place, node);
        }
        // It lies in a gap now, if before the end at all.
        if at < self.end {
            let mut start = 0;
            for run in &mut self.runs {
                if at < start + run.gap {
                    run.gap -= 1;
                    self.end -= 1;
                    break;
                }
                start += run.gap + run.count;
            }
        }
        node
    }

    /// The node that comes first, if it was kept.
    fn next_kept(&mut self) -> Option<Node> {
        let kept = self.runs.front_mut().map_or(&mut self.last, |run| &mut run.kept);
        let node = kept.pop_front()?;
        self.kept -= bytes(&node);
        Some(node)
    }

    /// The position of the node that comes first, which was not kept. It is no part of the moment any more.
    fn next_in_list(&mut self) -> Option<usize> {
        let run = self.runs.front_mut()?;
        let at = run.gap;
        run.gap += 1;
        run.count -= 1;
        self.join_if_empty(0);
        Some(at)
    }
}
