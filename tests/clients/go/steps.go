// SPDX-License-Identifier: Apache-2.0

// The clients of Go, in one program: it is given the name of one and the address of the service.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
)

// What a client does, by name: each is given its argument as JSON.
type steps map[string]func(argument json.RawMessage) (any, error)

type outcome struct {
	Returned any      `json:"returned,omitempty"`
	Raised   string   `json:"raised,omitempty"`
	Kinds    []string `json:"kinds,omitempty"`
	Says     string   `json:"says,omitempty"`
}

var (
	clients = map[string]steps{"go-openai": goOpenai, "openai-go": openaiGo, "ollama-go": ollamaGo}
	URL     string
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// An argument as what the step takes.
func read[T any](argument json.RawMessage) (value T) {
	must(json.Unmarshal(argument, &value))
	return value
}

// The step `one` by means of many.
func first[T any](many func([]string) ([]T, error)) func(json.RawMessage) (any, error) {
	return func(argument json.RawMessage) (any, error) {
		vectors, err := many([]string{read[string](argument)})
		if err != nil {
			return nil, err
		}
		return vectors[0], nil
	}
}

func all[T any](many func([]string) ([]T, error)) func(json.RawMessage) (any, error) {
	return func(argument json.RawMessage) (any, error) { return many(read[[]string](argument)) }
}

// The types of an error and of those inside it, with their packages.
func kindsOf(err error) (kinds []string) {
	for ; err != nil; err = errors.Unwrap(err) {
		kind := reflect.TypeOf(err)
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		kinds = append(kinds, kind.PkgPath()+"."+kind.Name())
	}
	return kinds
}

func outcomeOf(step func(json.RawMessage) (any, error), argument json.RawMessage) outcome {
	value, err := step(argument)
	if err != nil {
		kinds := kindsOf(err)
		return outcome{Raised: kinds[0], Kinds: kinds, Says: err.Error()}
	}
	return outcome{Returned: value}
}

func main() {
	client := clients[os.Args[1]]
	URL = os.Args[2]
	var asked [][2]json.RawMessage
	must(json.NewDecoder(os.Stdin).Decode(&asked))
	outcomes := []outcome{}
	for _, step := range asked {
		name := read[string](step[0])
		if client[name] == nil {
			panic(fmt.Sprintf("%s has no step %s", os.Args[1], name))
		}
		outcomes = append(outcomes, outcomeOf(client[name], step[1]))
	}
	must(json.NewEncoder(os.Stdout).Encode(outcomes))
}
