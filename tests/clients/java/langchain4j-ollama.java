// SPDX-License-Identifier: Apache-2.0
import java.util.Collections;
import java.util.List;
import java.util.Map;

// -- docs
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.ollama.OllamaEmbeddingModel;
// -- end

class Langchain4jOllama extends Steps {
    static List<float[]> many(List<String> texts) {
        // -- docs
        EmbeddingModel model = OllamaEmbeddingModel.builder().baseUrl(URL).modelName("nomic-embed-text").build();
        List<Embedding> embeddings = model.embedAll(texts.stream().map(TextSegment::from).toList()).content();
        List<float[]> vectors = embeddings.stream().map(Embedding::vector).toList();
        // -- end
        return vectors;
    }

    static float[] one(String text) {
        return OllamaEmbeddingModel.builder().baseUrl(URL).modelName("nomic-embed-text").build().embed(text).content().vector();
    }

    public static void main(String[] arguments) throws Exception {
        run(arguments, Map.of("one", text -> one(text.asText()), "many", list -> many(texts(list)),
            "wrong", count -> many(Collections.nCopies(count.asInt(), "a"))));
    }
}
