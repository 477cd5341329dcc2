// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
)

// -- docs
import (
	"net/http"
	"net/url"

	"github.com/ollama/ollama/api"
)

// -- end

var ollamaGo = steps{"one": first(ollamaGoMany), "many": all(ollamaGoMany), "old": ollamaGoOld, "wrong": ollamaGoWrong}

func ollamaGoClient() *api.Client {
	base, err := url.Parse(URL)
	must(err)
	return api.NewClient(base, http.DefaultClient)
}

func ollamaGoMany(texts []string) ([][]float32, error) {
	ctx := context.Background()
	// -- docs
	base, err := url.Parse(URL)
	client := api.NewClient(base, http.DefaultClient)
	reply, err := client.Embed(ctx, &api.EmbedRequest{Model: "nomic-embed-text", Input: texts})
	// -- end
	if err != nil {
		return nil, err
	}
	// -- docs
	vectors := reply.Embeddings
	// -- end
	return vectors, nil
}

func ollamaGoOld(argument json.RawMessage) (any, error) {
	request := api.EmbeddingRequest{Model: "nomic-embed-text", Prompt: read[string](argument)}
	reply, err := ollamaGoClient().Embeddings(context.Background(), &request)
	if err != nil {
		return nil, err
	}
	return reply.Embedding, nil
}

func ollamaGoWrong(argument json.RawMessage) (any, error) {
	request := api.ChatRequest{Model: "llama3", Messages: []api.Message{{Role: "user", Content: read[string](argument)}}}
	return nil, ollamaGoClient().Chat(context.Background(), &request, func(api.ChatResponse) error { return nil })
}
