// SPDX-License-Identifier: Apache-2.0
import java.util.List;
import java.util.Map;

// -- docs
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
// -- end

class Langchain4jOpenAi extends Steps {
    static List<float[]> many(List<String> texts) {
        // -- docs
        EmbeddingModel model = OpenAiEmbeddingModel.builder()
            .baseUrl(URL + "/v1").apiKey("unused").modelName("text-embedding-3-small").build();
        List<Embedding> embeddings = model.embedAll(texts.stream().map(TextSegment::from).toList()).content();
        List<float[]> vectors = embeddings.stream().map(Embedding::vector).toList();
        // -- end
        return vectors;
    }

    static float[] one(String text, Integer dimensions) {
        return OpenAiEmbeddingModel.builder().baseUrl(URL + "/v1").apiKey("unused").modelName("text-embedding-3-small")
            .dimensions(dimensions).build().embed(text).content().vector();
    }

    public static void main(String[] arguments) throws Exception {
        run(arguments, Map.of("one", text -> one(text.asText(), null), "many", list -> many(texts(list)),
            "wrong", dimensions -> one("a", dimensions.asInt())));
    }
}
