// SPDX-License-Identifier: Apache-2.0
// What the programs of Rust clients share: see ../steps.py, which does the same.
use std::error::Error;
use std::future::Future;
use std::io::{stdin, stdout, Write};

use serde_json::{json, Value};

pub type Outcome = Result<Value, Box<dyn Error>>;

/// The address of the service.
pub struct Address;
pub const URL: Address = Address;

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&std::env::args().nth(1).expect("the address of the service"))
    }
}

pub fn strings(value: &Value) -> Vec<String> {
    value.as_array().expect("a list").iter().map(|item| item.as_str().expect("a text").to_string()).collect()
}

/// An enum's variants are its kinds: their names, from the outermost in, as Debug writes them.
fn kinds_of(error: &dyn Error) -> Vec<String> {
    let shown = format!("{error:?}");
    shown.split(|c: char| !c.is_alphanumeric()).take_while(|word| word.starts_with(char::is_uppercase)).map(String::from).collect()
}

fn described(outcome: Outcome) -> Value {
    match outcome {
        Ok(value) => json!({ "returned": value }),
        Err(error) => {
            let kinds = kinds_of(&*error);
            json!({ "raised": kinds.first(), "kinds": kinds, "says": error.to_string() })
        }
    }
}

/// Does the steps that standard input lists, by `step`, which is told a name and an argument.
pub fn run<F: Future<Output = Outcome>>(step: impl Fn(String, Value) -> F) {
    let asked: Vec<(String, Value)> = serde_json::from_reader(stdin()).expect("a list of [name, argument]");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let outcomes: Vec<Value> = asked.into_iter().map(|(name, argument)| described(runtime.block_on(step(name, argument)))).collect();
    stdout().write_all(json!(outcomes).to_string().as_bytes()).expect("somebody who reads");
}
