//! JSON to values.
//!
//! A zero ends the text, as in C. Bytes above 127 pass as they are, UTF-8 or not.

use mlua::{Lua, Result, Value};

use super::super::STACK_SLOTS;
use super::super::tables::{Builder, Kind, Member};
use super::numerals;
use super::options::Options;
use crate::scripting::raise;

/// `cjson.decode(text)`
pub(super) fn decode(lua: &Lua, options: &Options, text: &[u8]) -> Result<Value> {
    if text.len() >= 2 && text[..2].contains(&0) {
        return Err(raise::here(lua, "JSON parser does not support UTF-16 or UTF-32"));
    }
    let tokens = Tokens { text, at: 0, start: 0, allows_invalid: options.decode_invalid() };
    let mut parser =
        Parser { lua, tokens, built: Builder::new(lua), deepest: options.decode_depth(), slots: 1 };
    parser.parse()?;
    match parser.built.into_members().next() {
        Some(Member::Value(value)) => Ok(value),
        Some(Member::Text(text)) => lua.create_string(text).map(Value::String),
        Some(Member::Made(text)) => lua.create_string(text).map(Value::String),
        None => Ok(Value::Nil),
    }
}

struct Parser<'a> {
    lua: &'a Lua,
    tokens: Tokens<'a>,
    built: Builder<'a>,
    deepest: usize,
    /// What the reference would have on its stack: the text, each open table, and the keys of objects.
    slots: usize,
}

impl<'a> Parser<'a> {
    fn parse(&mut self) -> Result<()> {
        let mut token = self.tokens.next();
        loop {
            match token {
                Token::ObjectBegin => {
                    self.descend(Kind::Map)?;
                    let first = self.tokens.next();
                    if !matches!(first, Token::ObjectEnd) {
                        token = self.key(first)?;
                        continue;
                    }
                    self.ascend(Kind::Map)?;
                }
                Token::ArrayBegin => {
                    self.descend(Kind::Sequence)?;
                    token = self.tokens.next();
                    if !matches!(token, Token::ArrayEnd) {
                        continue;
                    }
                    self.ascend(Kind::Sequence)?;
                }
                other => {
                    let member =
                        other.into_member().map_err(|token| self.unexpected("value", &token))?;
                    self.built.push(member)?;
                }
            }
            match self.after_value()? {
                Some(next) => token = next,
                None => return Ok(()),
            }
        }
    }

    /// Ends all tables that end here. The token that the next value begins with, if there is another.
    fn after_value(&mut self) -> Result<Option<Token<'a>>> {
        loop {
            let token = self.tokens.next();
            match (self.built.innermost(), token) {
                (None, Token::End) => return Ok(None),
                (None, token) => return Err(self.unexpected("the end", &token)),
                (Some(kind @ Kind::Sequence), Token::ArrayEnd)
                | (Some(kind @ Kind::Map), Token::ObjectEnd) => {
                    self.ascend(kind)?;
                }
                (Some(Kind::Sequence), Token::Comma) => return Ok(Some(self.tokens.next())),
                (Some(Kind::Map), Token::Comma) => {
                    let key = self.tokens.next();
                    return self.key(key).map(Some);
                }
                (Some(Kind::Sequence), token) => {
                    return Err(self.unexpected("comma or array end", &token));
                }
                (Some(Kind::Map), token) => {
                    return Err(self.unexpected("comma or object end", &token));
                }
            }
        }
    }

    /// Takes a key and its colon. The token that the value begins with.
    fn key(&mut self, token: Token<'a>) -> Result<Token<'a>> {
        match token {
            Token::String(key) => self.built.push(key)?,
            token => return Err(self.unexpected("object key string", &token)),
        }
        match self.tokens.next() {
            Token::Colon => Ok(self.tokens.next()),
            token => Err(self.unexpected("colon", &token)),
        }
    }

    fn descend(&mut self, kind: Kind) -> Result<()> {
        let depth = self.built.depth() + 1;
        // A slot for the table, one for a key and one for a value.
        let needed = if kind == Kind::Map { 3 } else { 2 };
        if depth > self.deepest || self.slots + needed > STACK_SLOTS {
            let at = self.tokens.at;
            let complaint =
                format!("Found too many nested data structures ({depth}) at character {at}");
            return Err(raise::here(self.lua, complaint));
        }
        self.slots += needed - 1;
        self.built.open(kind);
        Ok(())
    }

    fn ascend(&mut self, kind: Kind) -> Result<()> {
        self.slots -= if kind == Kind::Map { 2 } else { 1 };
        self.built.close()
    }

    fn unexpected(&self, expected: &str, found: &Token<'_>) -> mlua::Error {
        let (found, at) = (found.name(), self.tokens.start + 1);
        raise::here(self.lua, format!("Expected {expected} but found {found} at character {at}"))
    }
}

enum Token<'a> {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    String(Member<'a>),
    Number(f64),
    Boolean(bool),
    Null,
    Colon,
    Comma,
    End,
    /// What is wrong.
    Fault(&'static str),
}

impl<'a> Token<'a> {
    fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::String(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Boolean(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::End => "T_END",
            Token::Fault(fault) => fault,
        }
    }

    /// The value that the token is all of.
    fn into_member(self) -> std::result::Result<Member<'a>, Token<'a>> {
        match self {
            Token::String(text) => Ok(text),
            Token::Number(number) => Ok(Member::Value(Value::Number(number))),
            Token::Boolean(boolean) => Ok(Member::Value(Value::Boolean(boolean))),
            Token::Null => Ok(Member::Value(Value::NULL)),
            other => Err(other),
        }
    }
}

/// The text, as far as it was read.
struct Tokens<'a> {
    text: &'a [u8],
    at: usize,
    /// Where the last token began, or where in it the fault is.
    start: usize,
    allows_invalid: bool,
}

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Token<'a> {
        while matches!(self.byte(0), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        self.start = self.at;
        let single = match self.byte(0) {
            0 => return Token::End,
            b'"' => return self.string(),
            b'-' | b'0'..=b'9'
                if self.allows_invalid || !numerals::is_invalid(&self.text[self.at..]) =>
            {
                return self.number();
            }
            b'-' | b'0'..=b'9' => return Token::Fault("invalid number"),
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b':' => Token::Colon,
            b',' => Token::Comma,
            _ => return self.word(),
        };
        self.at += 1;
        single
    }

    fn word(&mut self) -> Token<'a> {
        let rest = &self.text[self.at..];
        let (token, length) = match rest {
            [b't', b'r', b'u', b'e', ..] => (Token::Boolean(true), 4),
            [b'f', b'a', b'l', b's', b'e', ..] => (Token::Boolean(false), 5),
            [b'n', b'u', b'l', b'l', ..] => (Token::Null, 4),
            [b'i' | b'I' | b'n' | b'N' | b'+', ..]
                if self.allows_invalid && numerals::is_invalid(rest) =>
            {
                return self.number();
            }
            _ => return Token::Fault("invalid token"),
        };
        self.at += length;
        token
    }

    fn number(&mut self) -> Token<'a> {
        match numerals::read(&self.text[self.at..]) {
            Some((number, length)) => {
                self.at += length;
                Token::Number(number)
            }
            None => Token::Fault("invalid number"),
        }
    }

    fn string(&mut self) -> Token<'a> {
        self.at += 1;
        let plain = self.plain();
        if self.byte(0) == b'"' {
            self.at += 1;
            return Token::String(Member::Text(plain));
        }
        let mut made = plain.to_vec();
        loop {
            match self.byte(0) {
                b'"' => {
                    self.at += 1;
                    return Token::String(Member::Made(made));
                }
                b'\\' => {
                    if let Err(fault) = self.escape(&mut made) {
                        self.start = self.at;
                        return Token::Fault(fault);
                    }
                }
                _ => {
                    self.start = self.at;
                    return Token::Fault("unexpected end of string");
                }
            }
            made.extend_from_slice(self.plain());
        }
    }

    /// Takes what stands for itself.
    fn plain(&mut self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let length =
            rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Takes what begins with a backslash.
    fn escape(&mut self, made: &mut Vec<u8>) -> std::result::Result<(), &'static str> {
        let byte = match self.byte(1) {
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 0x08,
            b't' => b'\t',
            b'n' => b'\n',
            b'f' => 0x0c,
            b'r' => b'\r',
            b'u' => {
                let (character, length) = self.character().ok_or("invalid unicode escape code")?;
                made.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                self.at += length;
                return Ok(());
            }
            _ => return Err("invalid escape code"),
        };
        made.push(byte);
        self.at += 2;
        Ok(())
    }

    /// The character of `\uXXXX`, or of two of them that are a pair of surrogates, and how long it is.
    fn character(&self) -> Option<(char, usize)> {
        let unit = self.code_unit(0)?;
        if let Some(character) = char::from_u32(unit) {
            return Some((character, 6));
        }
        if self.byte(6) != b'\\' || self.byte(7) != b'u' {
            return None;
        }
        let low = self.code_unit(6)?;
        let is_pair = unit < 0xdc00 && (0xdc00..0xe000).contains(&low);
        let character = char::from_u32(0x1_0000 + ((unit & 0x3ff) << 10) + (low & 0x3ff));
        character.filter(|_| is_pair).map(|character| (character, 12))
    }

    fn code_unit(&self, from: usize) -> Option<u32> {
        let digits = self.text.get(self.at + from + 2..self.at + from + 6)?;
        digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
    }

    /// A byte of what is left. Behind the end there is a zero, as C has it.
    fn byte(&self, from: usize) -> u8 {
        self.text.get(self.at + from).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::trial;

    #[test]
    fn texts_are_decoded_as_the_reference_decodes_them() {
        trial::check(
            &trial::lua(),
            r##"
        return cjson.decode()
            => ERR user_script:1: bad argument #1 to 'decode' (expected 1 argument)
        return cjson.decode(1,2)
            => ERR user_script:1: bad argument #1 to 'decode' (expected 1 argument)
        return cjson.decode(nil)
            => ERR user_script:1: bad argument #1 to 'decode' (string expected, got nil)
        return cjson.decode({})
            => ERR user_script:1: bad argument #1 to 'decode' (string expected, got table)
        return cjson.decode(12)
            => 12
        return cjson.decode('')
            => ERR user_script:1: Expected value but found T_END at character 1
        return cjson.decode(' ')
            => ERR user_script:1: Expected value but found T_END at character 2
        return cjson.decode('x')
            => ERR user_script:1: Expected value but found invalid token at character 1
        return cjson.decode('1 2')
            => ERR user_script:1: Expected the end but found T_NUMBER at character 3
        return cjson.decode('[1 2]')
            => ERR user_script:1: Expected comma or array end but found T_NUMBER at character 4
        return cjson.decode('[1,]')
            => ERR user_script:1: Expected value but found T_ARR_END at character 4
        return cjson.decode('[,1]')
            => ERR user_script:1: Expected value but found T_COMMA at character 2
        return cjson.decode('[')
            => ERR user_script:1: Expected value but found T_END at character 2
        return cjson.decode('[1')
            => ERR user_script:1: Expected comma or array end but found T_END at character 3
        return cjson.decode(']')
            => ERR user_script:1: Expected value but found T_ARR_END at character 1
        return cjson.decode('}')
            => ERR user_script:1: Expected value but found T_OBJ_END at character 1
        return cjson.decode(':')
            => ERR user_script:1: Expected value but found T_COLON at character 1
        return cjson.decode(',')
            => ERR user_script:1: Expected value but found T_COMMA at character 1
        return cjson.decode('{')
            => ERR user_script:1: Expected object key string but found T_END at character 2
        return cjson.decode('{"a"')
            => ERR user_script:1: Expected colon but found T_END at character 5
        return cjson.decode('{"a":')
            => ERR user_script:1: Expected value but found T_END at character 6
        return cjson.decode('{"a":1')
            => ERR user_script:1: Expected comma or object end but found T_END at character 7
        return cjson.decode('{"a":1,')
            => ERR user_script:1: Expected object key string but found T_END at character 8
        return cjson.decode('{"a":1,}')
            => ERR user_script:1: Expected object key string but found T_OBJ_END at character 8
        return cjson.decode('{"a" 1}')
            => ERR user_script:1: Expected colon but found T_NUMBER at character 6
        return cjson.decode('{1:1}')
            => ERR user_script:1: Expected object key string but found T_NUMBER at character 2
        return cjson.decode('{"a":1 "b"}')
            => ERR user_script:1: Expected comma or object end but found T_STRING at character 8
        return cjson.decode('{x')
            => ERR user_script:1: Expected object key string but found invalid token at character 2
        return cjson.decode('[tru]')
            => ERR user_script:1: Expected value but found invalid token at character 2
        return cjson.decode('[truex]')
            => ERR user_script:1: Expected comma or array end but found invalid token at character
            => 6
        return cjson.decode('[true,false,null]'), cjson.decode('null')
            => {true,false,null} null
        return cjson.decode('"abc')
            => ERR user_script:1: Expected value but found unexpected end of string at character 5
        return cjson.decode('"a\0c"')
            => ERR user_script:1: Expected value but found unexpected end of string at character 3
        return cjson.decode('"a\\xc"')
            => ERR user_script:1: Expected value but found invalid escape code at character 3
        return cjson.decode('"a\\')
            => ERR user_script:1: Expected value but found invalid escape code at character 3
        return cjson.decode('"a\\u12')
            => ERR user_script:1: Expected value but found invalid unicode escape code at
            => character 3
        return cjson.decode('"a\\u12g4"')
            => ERR user_script:1: Expected value but found invalid unicode escape code at
            => character 3
        return cjson.decode('"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\u0000x"')
            => "A\195\169\226\130\172\240\159\152\128\000x"
        return cjson.decode('"\\ud83d"')
            => ERR user_script:1: Expected value but found invalid unicode escape code at
            => character 2
        return cjson.decode('"\\ud83dxx"')
            => ERR user_script:1: Expected value but found invalid unicode escape code at
            => character 2
        return cjson.decode('"\\ud83d\\n"')
            => ERR user_script:1: Expected value but found invalid unicode escape code at
            => character 2
        return cjson.decode('"\\ud83d\\u0041"')
            => ERR user_script:1: Expected value but found invalid unicode escape code at
            => character 2
        return cjson.decode('"\\ude00"')
            => ERR user_script:1: Expected value but found invalid unicode escape code at
            => character 2
        return cjson.decode('"\\ud83d\\uZZZZ"')
            => ERR user_script:1: Expected value but found invalid unicode escape code at
            => character 2
        return cjson.decode('"\\"\\\\\\/\\b\\t\\n\\f\\r"')
            => ""\/\008\009\010\012\013"
        return cjson.decode('"a\nb\tc\1\127\200\255"')
            => "a\010b\009c\001\127\200\255"
        return cjson.decode('\0')
            => ERR user_script:1: Expected value but found T_END at character 1
        return cjson.decode('\0a')
            => ERR user_script:1: JSON parser does not support UTF-16 or UTF-32
        return cjson.decode('1\0')
            => ERR user_script:1: JSON parser does not support UTF-16 or UTF-32
        return cjson.decode('12\0junk')
            => 12
        return cjson.decode('[1\0]')
            => ERR user_script:1: Expected comma or array end but found T_END at character 3
        return cjson.decode('\239\187\191[1]')
            => ERR user_script:1: Expected value but found invalid token at character 1
        return cjson.decode(' \t\r\n[ 1 , 2 ] \n')
            => {1,2}
        return cjson.decode('\v1')
            => ERR user_script:1: Expected value but found invalid token at character 1
        return cjson.decode('0x10'), cjson.decode('0x1p4'), cjson.decode('-0x1.8'),
        cjson.decode('0xA'), cjson.decode('01'), cjson.decode('1e5'), cjson.decode('1E+2'),
        cjson.decode('1.5e-3'), cjson.decode('+7'), cjson.decode('-.5'), cjson.decode('1.'),
        cjson.decode('1e400'), cjson.decode('-1e400'), cjson.decode('1e-400'),
        cjson.decode('12345678901234567890'), cjson.decode('0.1'), cjson.decode('-0')
            => 16 16 -1.5 10 1 100000 100 0.0015 7 -0.5 1 inf -inf 0 1.2345678901234567e+19
            => 0.10000000000000001 -0
        return cjson.decode('nan'), cjson.decode('-nan'), cjson.decode('NaN'),
        cjson.decode('inf'), cjson.decode('-Infinity'), cjson.decode('INFINITY'),
        cjson.decode('+inf'), cjson.decode('nan(12)')
            => nan -nan nan inf -inf inf inf nan
        return cjson.decode('infinit')
            => ERR user_script:1: Expected the end but found invalid token at character 4
        return cjson.decode('nanx')
            => ERR user_script:1: Expected the end but found invalid token at character 4
        return cjson.decode('in')
            => ERR user_script:1: Expected value but found invalid token at character 1
        return cjson.decode('nul')
            => ERR user_script:1: Expected value but found invalid token at character 1
        return cjson.decode('+')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('-')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('+x')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('-x')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('.5')
            => ERR user_script:1: Expected value but found invalid token at character 1
        return cjson.decode('1e')
            => ERR user_script:1: Expected the end but found invalid token at character 2
        return cjson.decode('1e+')
            => ERR user_script:1: Expected the end but found invalid token at character 2
        return cjson.decode('0x')
            => ERR user_script:1: Expected the end but found invalid token at character 2
        return cjson.decode('0xg')
            => ERR user_script:1: Expected the end but found invalid token at character 2
        return cjson.decode('1.2.3')
            => ERR user_script:1: Expected the end but found invalid token at character 4
        return cjson.decode('--1')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('- 1')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('+-1')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('0x.8')
            => 0.5
        return cjson.decode('0x1p')
            => ERR user_script:1: Expected the end but found invalid token at character 4
        return cjson.decode('0xffffffffffffffffffff'), cjson.decode('0x1.fffffffffffffff'),
        cjson.decode('0x1p-1074'), cjson.decode('0x1p99999999999'),
        cjson.decode('0x0p99999999999'),
        cjson.decode('0x1p-99999999999'),cjson.decode('0x0.00000000000000000001')
            => 1.2089258196146292e+24 2 4.9406564584124654e-324 inf 0 0 8.2718061255302767e-25
        return cjson.decode('{}'), cjson.decode('[]'), cjson.decode('{"a":{},"b":[]}')
            => {} {} {["a"]={},["b"]={}}
        return cjson.decode('{"a":1,"a":2}'), cjson.decode('{"":1}')
            => {["a"]=2} {[""]=1}
        return cjson.decode('{"a":null}').a == cjson.null
            => true
        local t=cjson.decode('[1,2,3,4,5]') t[3]=nil t[5]=nil return #t
            => 4
        local t=cjson.decode('[1,2,3]') t[2]=nil return #t
            => 1
        return #cjson.encode(cjson.decode(string.rep('[',1000)..string.rep(']',1000)))
            => 2000
        return cjson.decode(string.rep('[',1001)..string.rep(']',1001))
            => ERR user_script:1: Found too many nested data structures (1001) at character 1001
        return cjson.decode(string.rep('{"a":',1001))
            => ERR user_script:1: Found too many nested data structures (1001) at character 5001
        return cjson.decode(string.rep('[',1000))
            => ERR user_script:1: Expected value but found T_END at character 1001
        cjson.decode_max_depth(1e9) return cjson.decode(string.rep('[',200000))
            => ERR user_script:1: Found too many nested data structures (7999) at character 7999
        cjson.decode_max_depth(1e9) return cjson.decode(string.rep('{"a":',200000))
            => ERR user_script:1: Found too many nested data structures (4000) at character 19996
        cjson.decode_max_depth(1e9) return type(cjson.decode(string.rep('[',7997)..string.rep(']',7997)))
            => "table"
        cjson.decode_max_depth(1e9) return type(cjson.decode(string.rep('{"a":',3998)..'1'..string.rep('}',3998)))
            => "table"
        return cjson.decode_max_depth(1000)
            => 1000
        return cjson.decode('"\195\169\255\254"')
            => "\195\169\255\254"
        return cjson.decode(1.5), cjson.decode(1e20)
            => 1.5 1e+20
        return cjson.decode(true)
            => ERR user_script:1: bad argument #1 to 'decode' (string expected, got boolean)
        "##,
        );
    }

    #[test]
    fn more_tables_than_lua_has_references_for_are_decoded() {
        trial::check(
            &trial::lua(),
            r##"
        local t = cjson.decode('[' .. string.rep('{"a":[]},', 20000) .. '1]')
        return #t, #t[20000].a, t[20001]
            => 20001 0 1
        local t = {} for i = 1, 20000 do t[i] = '"k' .. i .. '":{"a":' .. i .. '}' end
        local n, s = 0, 0
        for _, v in pairs(cjson.decode('{' .. table.concat(t, ',') .. '}')) do
        n = n + 1 s = s + v.a end return n, s
            => 20000 200010000
        cjson.decode_max_depth(1e9)
        local t = cjson.decode(string.rep('[[],', 7000) .. '1' .. string.rep(']', 7000)) return #t
            => 2
        "##,
        );
    }
}
