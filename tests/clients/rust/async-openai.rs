// SPDX-License-Identifier: Apache-2.0
mod steps;

use serde_json::{json, Value};
use steps::{run, strings, Outcome, URL};
// -- docs
use async_openai::{config::OpenAIConfig, types::embeddings::CreateEmbeddingRequestArgs, Client};
// -- end

async fn many(texts: Vec<String>) -> Outcome {
    // -- docs
    let client = Client::with_config(OpenAIConfig::new().with_api_base(format!("{URL}/v1")).with_api_key("unused"));
    let request = CreateEmbeddingRequestArgs::default().model("text-embedding-3-small").input(texts).build()?;
    let reply = client.embeddings().create(request).await?;
    let vectors: Vec<Vec<f32>> = reply.data.into_iter().map(|item| item.embedding).collect();
    // -- end
    Ok(json!(vectors))
}

async fn wrong(dimensions: u32) -> Outcome {
    let client = Client::with_config(OpenAIConfig::new().with_api_base(format!("{URL}/v1")).with_api_key("unused"));
    let request = CreateEmbeddingRequestArgs::default().model("m").input("a").dimensions(dimensions).build()?;
    Ok(json!(client.embeddings().create(request).await?))
}

async fn step(name: String, argument: Value) -> Outcome {
    match name.as_str() {
        "one" => Ok(many(vec![argument.as_str().expect("a text").to_string()]).await?[0].take()),
        "many" => many(strings(&argument)).await,
        "wrong" => wrong(argument.as_u64().expect("a number") as u32).await,
        _ => Err(format!("no step {name}").into()),
    }
}

fn main() {
    run(step)
}
