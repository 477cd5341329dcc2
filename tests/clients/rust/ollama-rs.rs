// SPDX-License-Identifier: Apache-2.0
mod steps;

use serde_json::{json, Value};
use steps::{run, strings, Outcome, URL};
// -- docs
use ollama_rs::{generation::embeddings::request::GenerateEmbeddingsRequest, Ollama};
// -- end

async fn many(texts: Vec<String>) -> Outcome {
    // -- docs
    let client = Ollama::try_new(format!("{URL}"))?;
    let request = GenerateEmbeddingsRequest::new("nomic-embed-text".to_string(), texts.into());
    let vectors = client.generate_embeddings(request).await?.embeddings;
    // -- end
    Ok(json!(vectors))
}

async fn step(name: String, argument: Value) -> Outcome {
    match name.as_str() {
        "one" => Ok(many(vec![argument.as_str().expect("a text").to_string()]).await?[0].take()),
        "many" => many(strings(&argument)).await,
        "wrong" => many(vec!["a".to_string(); argument.as_u64().expect("a number") as usize]).await,
        _ => Err(format!("no step {name}").into()),
    }
}

fn main() {
    run(step)
}
