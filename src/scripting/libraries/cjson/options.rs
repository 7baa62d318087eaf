//! How strict `cjson` is, and how deep it goes: a script sets it for itself and for all that come after.

use std::sync::atomic::{AtomicI32, Ordering};

use mlua::{MultiValue, Result, Value};

use super::super::arguments::Arguments;

/// The options of one library. Functions of Lua may be called from any thread, hence the atomics; what is read or
/// written belongs to one script at a time.
pub(super) struct Options {
    sparse_convert: AtomicI32,
    sparse_ratio: AtomicI32,
    sparse_safe: AtomicI32,
    encode_depth: AtomicI32,
    decode_depth: AtomicI32,
    precision: AtomicI32,
    keep_buffer: AtomicI32,
    encode_invalid: AtomicI32,
    decode_invalid: AtomicI32,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            sparse_convert: AtomicI32::new(0),
            sparse_ratio: AtomicI32::new(2),
            sparse_safe: AtomicI32::new(10),
            encode_depth: AtomicI32::new(1000),
            decode_depth: AtomicI32::new(1000),
            precision: AtomicI32::new(14),
            keep_buffer: AtomicI32::new(1),
            encode_invalid: AtomicI32::new(0),
            decode_invalid: AtomicI32::new(1),
        }
    }
}

/// What becomes of an infinite number, and of one that is none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Invalid {
    Refused,
    Spelled,
    Null,
}

impl Options {
    /// Sparse arrays are objects; else they are refused.
    pub(super) fn converts_sparse(&self) -> bool {
        get(&self.sparse_convert) != 0
    }

    /// Whether an array with so many members up to this index has too many holes.
    pub(super) fn is_sparse(&self, largest: i32, members: i32) -> bool {
        let ratio = i64::from(get(&self.sparse_ratio));
        ratio > 0
            && i64::from(largest) > i64::from(members) * ratio
            && largest > get(&self.sparse_safe)
    }

    pub(super) fn encode_depth(&self) -> usize {
        get(&self.encode_depth) as usize
    }

    pub(super) fn decode_depth(&self) -> usize {
        get(&self.decode_depth) as usize
    }

    /// The digits of a number.
    pub(super) fn precision(&self) -> usize {
        get(&self.precision) as usize
    }

    pub(super) fn encode_invalid(&self) -> Invalid {
        match get(&self.encode_invalid) {
            0 => Invalid::Refused,
            1 => Invalid::Spelled,
            _ => Invalid::Null,
        }
    }

    /// Numbers may be what `strtod` reads, beyond JSON: `0x10`, `inf`, `nan`, `+1`, `01`.
    pub(super) fn decode_invalid(&self) -> bool {
        get(&self.decode_invalid) != 0
    }
}

/// A function that sets options if it is given any, and returns them.
type Setting = fn(&Options, &Arguments<'_>) -> Result<MultiValue>;

pub(super) const SETTINGS: &[(&str, Setting)] = &[
    ("encode_sparse_array", |options, arguments| {
        at_most(arguments, 3)?;
        let convert = choose(arguments, 1, &options.sparse_convert, SWITCH)?;
        let ratio = count(arguments, 2, &options.sparse_ratio, 0, i32::MAX)?;
        let safe = count(arguments, 3, &options.sparse_safe, 0, i32::MAX)?;
        Ok(MultiValue::from_vec(vec![convert, ratio, safe]))
    }),
    ("encode_max_depth", |options, arguments| {
        at_most(arguments, 1)?;
        Ok(single(count(arguments, 1, &options.encode_depth, 1, i32::MAX)?))
    }),
    ("decode_max_depth", |options, arguments| {
        at_most(arguments, 1)?;
        Ok(single(count(arguments, 1, &options.decode_depth, 1, i32::MAX)?))
    }),
    ("encode_number_precision", |options, arguments| {
        at_most(arguments, 1)?;
        Ok(single(count(arguments, 1, &options.precision, 1, 14)?))
    }),
    // Buffers are no concern of a script's here: it is kept only to be told.
    ("encode_keep_buffer", |options, arguments| {
        at_most(arguments, 1)?;
        Ok(single(choose(arguments, 1, &options.keep_buffer, SWITCH)?))
    }),
    ("encode_invalid_numbers", |options, arguments| {
        at_most(arguments, 1)?;
        Ok(single(choose(arguments, 1, &options.encode_invalid, &["off", "on", "null"])?))
    }),
    ("decode_invalid_numbers", |options, arguments| {
        at_most(arguments, 1)?;
        Ok(single(choose(arguments, 1, &options.decode_invalid, SWITCH)?))
    }),
];

const SWITCH: &[&str] = &["off", "on"];

fn at_most(arguments: &Arguments<'_>, most: usize) -> Result<()> {
    if arguments.count() > most {
        return Err(arguments.refuse(most + 1, "found too many arguments"));
    }
    Ok(())
}

/// Sets a number, unless the argument is nil. One that is out of range is always called the first.
fn count(
    arguments: &Arguments<'_>,
    index: usize,
    option: &AtomicI32,
    least: i32,
    most: i32,
) -> Result<Value> {
    if *arguments.value(index) != Value::Nil {
        let wanted = arguments.integer(index)? as i32;
        if !(least..=most).contains(&wanted) {
            return Err(arguments.refuse(1, format!("expected integer between {least} and {most}")));
        }
        set(option, wanted);
    }
    Ok(Value::Integer(i64::from(get(option))))
}

/// Sets one of some words, unless the argument is nil. `off` and `on` are also false and true.
fn choose(
    arguments: &Arguments<'_>,
    index: usize,
    option: &AtomicI32,
    words: &[&str],
) -> Result<Value> {
    match arguments.value(index) {
        Value::Nil => {}
        Value::Boolean(on) => set(option, i32::from(*on)),
        _ => {
            let word = arguments.string(index)?;
            let word = word.as_bytes();
            let word = word.split(|byte| *byte == 0).next().unwrap_or_default();
            let Some(chosen) = words.iter().position(|known| known.as_bytes() == word) else {
                return Err(
                    arguments.refuse(index, [b"invalid option '".as_slice(), word, b"'"].concat())
                );
            };
            set(option, chosen as i32);
        }
    }
    Ok(match get(option) {
        0 => Value::Boolean(false),
        1 => Value::Boolean(true),
        other => arguments.text(words.get(other as usize).copied().unwrap_or_default())?,
    })
}

fn single(value: Value) -> MultiValue {
    MultiValue::from_vec(vec![value])
}

fn get(option: &AtomicI32) -> i32 {
    option.load(Ordering::Relaxed)
}

fn set(option: &AtomicI32, value: i32) {
    option.store(value, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::super::super::trial;

    #[test]
    fn options_are_those_of_the_reference() {
        trial::check(
            &trial::lua(),
            r##"
        return cjson.encode_max_depth(1000)
            => 1000
        return cjson.encode_max_depth()
            => 1000
        return cjson.encode_max_depth(0)
            => ERR user_script:1: bad argument #1 to 'encode_max_depth' (expected integer between
            => 1 and 2147483647)
        return cjson.encode_max_depth(-1)
            => ERR user_script:1: bad argument #1 to 'encode_max_depth' (expected integer between
            => 1 and 2147483647)
        return cjson.encode_max_depth('5')
            => 5
        return cjson.encode_max_depth(5.7)
            => 5
        return cjson.encode({{{{{1}}}}})
            => "[[[[[1]]]]]"
        return cjson.encode({{{{{{1}}}}}})
            => ERR user_script:1: Cannot serialise, excessive nesting (6)
        return cjson.encode_max_depth(2147483648)
            => ERR user_script:1: bad argument #1 to 'encode_max_depth' (expected integer between
            => 1 and 2147483647)
        return cjson.encode_max_depth(4294967297)
            => 1
        return cjson.encode_max_depth('x')
            => ERR user_script:1: bad argument #1 to 'encode_max_depth' (number expected, got
            => string)
        return cjson.encode_max_depth(1,2)
            => ERR user_script:1: bad argument #2 to 'encode_max_depth' (found too many arguments)
        return cjson.encode_max_depth(nil,nil)
            => ERR user_script:1: bad argument #2 to 'encode_max_depth' (found too many arguments)
        return cjson.encode_max_depth({})
            => ERR user_script:1: bad argument #1 to 'encode_max_depth' (number expected, got
            => table)
        return cjson.encode_max_depth(1000)
            => 1000
        return cjson.decode_max_depth()
            => 1000
        return cjson.decode_max_depth(2)
            => 2
        return cjson.decode('[[1]]')
            => {{1}}
        return cjson.decode('[[[1]]]')
            => ERR user_script:1: Found too many nested data structures (3) at character 3
        return cjson.decode('{"a":{"b":{}}}')
            => ERR user_script:1: Found too many nested data structures (3) at character 11
        return cjson.decode_max_depth(1000)
            => 1000
        return cjson.decode_max_depth(0)
            => ERR user_script:1: bad argument #1 to 'decode_max_depth' (expected integer between
            => 1 and 2147483647)
        return cjson.encode_number_precision()
            => 14
        return cjson.encode_number_precision(3), cjson.encode(1/3), cjson.encode(123456),
        cjson.encode({[1234567.5]=1}), cjson.encode(999.9), cjson.encode(1000),
        cjson.encode(100)
            => 3 "0.333" "1.23e+05" "{"1.23e+06":1}" "1e+03" "1e+03" "100"
        return cjson.encode_number_precision(1), cjson.encode(1/3), cjson.encode(123456),
        cjson.encode(15), cjson.encode(9.5), cjson.encode(25), cjson.encode(0)
            => 1 "0.3" "1e+05" "2e+01" "1e+01" "2e+01" "0"
        return cjson.encode_number_precision(14)
            => 14
        return cjson.encode_number_precision(15)
            => ERR user_script:1: bad argument #1 to 'encode_number_precision' (expected integer
            => between 1 and 14)
        return cjson.encode_number_precision(0)
            => ERR user_script:1: bad argument #1 to 'encode_number_precision' (expected integer
            => between 1 and 14)
        return cjson.encode_keep_buffer(), cjson.encode_keep_buffer(false), cjson.encode({1}),
        cjson.encode_keep_buffer('on'), cjson.encode_keep_buffer('off'),cjson.encode_keep_buffer(true)
            => true false "[1]" true false true
        return cjson.encode_keep_buffer('x')
            => ERR user_script:1: bad argument #1 to 'encode_keep_buffer' (invalid option 'x')
        return cjson.encode_keep_buffer(1)
            => ERR user_script:1: bad argument #1 to 'encode_keep_buffer' (invalid option '1')
        return cjson.encode_keep_buffer({})
            => ERR user_script:1: bad argument #1 to 'encode_keep_buffer' (string expected, got
            => table)
        return cjson.encode_invalid_numbers()
            => false
        return cjson.encode_invalid_numbers(true), cjson.encode({0/0,1/0,-1/0,-(0/0)}),
        cjson.encode({[1/0]=1})
            => true "[nan,inf,-inf,nan]" "{"inf":1}"
        return cjson.encode_invalid_numbers('null'), cjson.encode({0/0,1/0,-1/0,-(0/0)}),
        cjson.encode({[1/0]=1})
            => "null" "[null,null,null,null]" "{"null":1}"
        return cjson.encode_invalid_numbers('on')
            => true
        return cjson.encode_invalid_numbers('off')
            => false
        return cjson.encode_invalid_numbers('nul')
            => ERR user_script:1: bad argument #1 to 'encode_invalid_numbers' (invalid option
            => 'nul')
        return cjson.encode_invalid_numbers(1,2)
            => ERR user_script:1: bad argument #2 to 'encode_invalid_numbers' (found too many
            => arguments)
        return cjson.encode_sparse_array()
            => false 2 10
        return cjson.encode_sparse_array(true), cjson.encode({[11]=1}),
        cjson.encode({[1]=1,[50]=2})
            => true "{"11":1}" "{"1":1,"50":2}"
        return cjson.encode_sparse_array(false,0,0), cjson.encode({[11]=1})
            => false "[null,null,null,null,null,null,null,null,null,null,1]"
        return cjson.encode_sparse_array(false,1,3), pcall(cjson.encode,{[4]=1,[1]=1})
            => false false "Cannot serialise table: excessively sparse array"
        return cjson.encode_sparse_array(false,2,3), pcall(cjson.encode,{[4]=1,[1]=1})
            => false true "[1,null,null,1]"
        return cjson.encode_sparse_array(true,-1,3)
            => ERR user_script:1: bad argument #1 to 'encode_sparse_array' (expected integer
            => between 0 and 2147483647)
        return cjson.encode_sparse_array()
            => true 2 3
        return cjson.encode_sparse_array(1)
            => ERR user_script:1: bad argument #1 to 'encode_sparse_array' (invalid option '1')
        return cjson.encode_sparse_array(false,'x')
            => ERR user_script:1: bad argument #2 to 'encode_sparse_array' (number expected, got
            => string)
        return cjson.encode_sparse_array(false,2,10,4)
            => ERR user_script:1: bad argument #4 to 'encode_sparse_array' (found too many
            => arguments)
        return cjson.encode_sparse_array(nil,nil,nil)
            => false 2 3
        return cjson.encode_sparse_array(false,2,10)
            => false 2 10
        return cjson.decode_invalid_numbers()
            => true
        return cjson.decode_invalid_numbers(false)
            => false
        return cjson.decode('0x10')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('01')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('-01')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('nan')
            => ERR user_script:1: Expected value but found invalid token at character 1
        return cjson.decode('inf')
            => ERR user_script:1: Expected value but found invalid token at character 1
        return cjson.decode('-inf')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('-nan')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('+1')
            => ERR user_script:1: Expected value but found invalid token at character 1
        return cjson.decode('-x')
            => ERR user_script:1: Expected value but found invalid number at character 1
        return cjson.decode('-0')
            => -0
        return cjson.decode('0.5'), cjson.decode('1.'), cjson.decode('-.5')
            => 0.5 1 -0.5
        return cjson.decode_invalid_numbers(true)
            => true
        return cjson._NAME, cjson._VERSION, cjson.null
            => "cjson" "2.1.0" null
        return cjson.new().encode({1}), cjson.new()._NAME, cjson.new() == cjson,
        cjson.new().new ~= nil
            => "[1]" "cjson" false true
        local n = cjson.new() n.encode_max_depth(3) return n.encode_max_depth(),
        cjson.encode_max_depth()
            => 3 1000
        return type(cjson.new(1,2,3))
            => "table"
        return cjson:encode()
            => ERR user_script:1: Cannot serialise function: type not supported
        return cjson:encode_max_depth()
            => ERR user_script:1: calling 'encode_max_depth' on bad self (number expected, got
            => table)
        return cjson:encode_max_depth(1)
            => ERR user_script:1: bad argument #1 to 'encode_max_depth' (found too many arguments)
        return cjson.encode(setmetatable({1,2},{__index=function() return 3 end}))
            => "[1,2]"
        return cjson.encode('x'), cjson.encode(12), cjson.encode('')
            => ""x"" "12" """"
        return cjson.encode({['1']=1}), cjson.encode({['']=''})
            => "{"1":1}" "{"":""}"
        "##,
        );
    }
}
