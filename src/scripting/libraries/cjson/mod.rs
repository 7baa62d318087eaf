//! `cjson`: values as JSON.
//!
//! An empty table is an object, as a table is that has any key but whole numbers from 1 on. JSON's null is a value of
//! its own, `cjson.null`: nil would be no member of a table.
//!
//! * `options`: how strict and how deep, of each such library its own;
//! * `decode` and `numerals`: texts to values;
//! * `encode` and `spelling`: values to texts.

mod decode;
mod encode;
mod numerals;
mod options;
mod spelling;

use std::sync::Arc;

use mlua::{Function, Lua, MultiValue, Result, Table, Value};

use self::options::Options;
use super::arguments::Arguments;
use crate::scripting::{memory, texts};

pub(super) fn library(lua: &Lua) -> Result<Table> {
    instance(lua, &lua.globals().raw_get("next")?)
}

/// The library with options of its own. `next` is Lua's, as it was before scripts could touch it.
fn instance(lua: &Lua, next: &Function) -> Result<Table> {
    let library = lua.create_table()?;
    let options = Arc::new(Options::default());
    for (name, setting) in options::SETTINGS {
        let options = Arc::clone(&options);
        let function =
            move |lua: &Lua, values: MultiValue| setting(&options, &Arguments::new(lua, values));
        library.raw_set(*name, lua.create_function(function)?)?;
    }
    let (of_encode, next_of_encode) = (Arc::clone(&options), next.clone());
    let encode = lua.create_function(move |lua, values: MultiValue| {
        let arguments = one(lua, values)?;
        let text = encode::encode(lua, &of_encode, &next_of_encode, arguments.value(1))?;
        texts::returned(lua, text)
    })?;
    library.raw_set("encode", encode)?;
    let decode = lua.create_function(move |lua, values: MultiValue| {
        let text = one(lua, values)?.bytes(1)?;
        memory::making(lua, text.len(), || decode::decode(lua, &options, &text))
    })?;
    library.raw_set("decode", decode)?;
    let next = next.clone();
    library.raw_set("new", lua.create_function(move |lua, _: MultiValue| instance(lua, &next))?)?;
    library.raw_set("null", Value::NULL)?;
    library.raw_set("_NAME", "cjson")?;
    library.raw_set("_VERSION", "2.1.0")?;
    Ok(library)
}

/// Exactly one argument.
fn one(lua: &Lua, values: MultiValue) -> Result<Arguments<'_>> {
    let arguments = Arguments::new(lua, values);
    if arguments.count() == 1 {
        Ok(arguments)
    } else {
        Err(arguments.refuse(1, "expected 1 argument"))
    }
}
