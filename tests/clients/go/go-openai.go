// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
)

// -- docs
import "github.com/sashabaranov/go-openai"

// -- end

var goOpenai = steps{"one": first(goOpenaiMany), "many": all(goOpenaiMany), "wrong": goOpenaiWrong}

func goOpenaiMany(texts []string) ([][]float32, error) {
	ctx := context.Background()
	// -- docs
	config := openai.DefaultConfig("unused")
	config.BaseURL = URL + "/v1"
	client := openai.NewClientWithConfig(config)
	reply, err := client.CreateEmbeddings(ctx, openai.EmbeddingRequest{Model: openai.SmallEmbedding3, Input: texts})
	var vectors [][]float32
	for _, item := range reply.Data {
		vectors = append(vectors, item.Embedding)
	}
	// -- end
	return vectors, err
}

func goOpenaiWrong(argument json.RawMessage) (any, error) {
	config := openai.DefaultConfig("unused")
	config.BaseURL = URL + "/v1"
	request := openai.EmbeddingRequest{Model: openai.SmallEmbedding3, Input: "a", Dimensions: read[int](argument)}
	return openai.NewClientWithConfig(config).CreateEmbeddings(context.Background(), request)
}
