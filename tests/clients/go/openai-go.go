// SPDX-License-Identifier: Apache-2.0
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// -- docs
import (
	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// -- end

var openaiGo = steps{"one": first(openaiGoMany), "many": all(openaiGoMany), "wrong": openaiGoWrong}

func openaiGoMany(texts []string) ([][]float64, error) {
	ctx := context.Background()
	// -- docs
	client := openai.NewClient(option.WithBaseURL(URL+"/v1"), option.WithAPIKey("unused"))
	reply, err := client.Embeddings.New(ctx, openai.EmbeddingNewParams{
		Model: openai.EmbeddingModelTextEmbedding3Small,
		Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: texts},
	})
	// -- end
	if err != nil {
		return nil, err
	}
	// -- docs
	var vectors [][]float64
	for _, item := range reply.Data {
		vectors = append(vectors, item.Embedding)
	}
	// -- end
	return vectors, nil
}

// The error says no more than its status: what the service says is a field of it.
func openaiGoWrong(argument json.RawMessage) (any, error) {
	client := openai.NewClient(option.WithBaseURL(URL+"/v1"), option.WithAPIKey("unused"))
	reply, err := client.Embeddings.New(context.Background(), openai.EmbeddingNewParams{
		Model:      openai.EmbeddingModelTextEmbedding3Small,
		Input:      openai.EmbeddingNewParamsInputUnion{OfString: openai.String("a")},
		Dimensions: openai.Int(read[int64](argument)),
	})
	var refused *openai.Error
	if errors.As(err, &refused) {
		err = fmt.Errorf("%w: %s", err, refused.Message)
	}
	return reply, err
}
