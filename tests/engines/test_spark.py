# SPDX-License-Identifier: Apache-2.0
"""embedd.spark: the bits of the command, the service and the C library, in a process, in processes and by machines of
Spark's; executors that are killed; pipelines that are saved; what is wrong, in sentences."""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyspark
import pytest
from conftest import TOP, vectors_of
from harness import PROGRAM, wait_until
from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import LogisticRegression
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

import embedd
from embedd import spark as ours
from embedd.spark import EmbeddTransformer, HeadClassifier, classify, embed

ROWS = int(os.environ.get("SPARK_ROWS", 100_000))
FOLDER = TOP / "examples/chain/w6x8"


@pytest.fixture(scope="session")
def spark():
    session = (SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
               .config("spark.sql.shuffle.partitions", "4").config("spark.driver.host", "127.0.0.1").getOrCreate())
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def frame(spark, texts):
    return spark.createDataFrame([(i, text) for i, text in enumerate(texts)], "id int, text string").repartition(7).cache()


def of(spark, *texts, kind="string"):
    return spark.createDataFrame([(text,) for text in texts], f"text {kind}")


def column(df, name="embedding", dtype=np.float32):
    """(n, dimensions), in the order of `id`."""
    return np.array([row[name] for row in df.orderBy("id").select(name).collect()], dtype)


def same(found, expected):
    assert found.dtype == expected.dtype and found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


def says(error, *parts):
    """The sentence is there, however much of Spark's stands around it."""
    said = str(error.value)
    assert all(part in said for part in parts), said


# ---- bits ----

def test_it_has_the_bits_of_the_command(frame, expected):
    same(column(embed(frame, "text")), expected)


def test_so_has_the_service(texts, expected, service):
    replies = b""
    for first in range(0, len(texts), 2000):
        body = {"input": texts[first:first + 2000], "encoding_format": "bytes_only", "embed_dtype": "float32",
                "endianness": "little"}
        with service.connect() as client:
            reply = client.post("/v1/embeddings", json.dumps(body).encode())
        assert reply.status == 200, reply.body[:500]
        replies += reply.body
    assert replies == expected.tobytes()


def test_so_has_the_c_library(texts, expected, tmp_path):
    library = TOP / "build/release/lib"
    subprocess.run(["gcc", "-std=c99", f"-I{TOP}/include", TOP / "tests/library/ask.c", "-o", tmp_path / "ask",
                    f"-L{library}", f"-Wl,-rpath,{library}", "-lembedd"], check=True)
    lines = "".join(text + "\n" for text in texts).encode()
    done = subprocess.run([tmp_path / "ask", "encode", "builtin", "2", "999", "64", "0"], input=lines, check=True,
                          capture_output=True)
    assert done.stdout == expected.tobytes()


@pytest.mark.parametrize("records", [1, 777, 0])
def test_sparks_batches_change_nothing(spark, texts, expected, records):
    n = 50 if records == 1 else 5000
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", records)
    try:
        few = spark.createDataFrame(list(enumerate(texts[:n])), "id int, text string").repartition(3)
        same(column(embed(few, "text")), expected[:n])
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def test_large_batches_are_cut(spark, texts, expected, monkeypatch):
    monkeypatch.setattr(ours, "_ROWS_MAX", 64)
    few = spark.createDataFrame(list(enumerate(texts[:1000])), "id int, text string").repartition(1)
    same(column(embed(few, "text")), expected[:1000])


@pytest.mark.parametrize("options", [{"dtype": "int8"}, {"dtype": "binary", "dimensions": 128}, {"dimensions": 64},
                                     {"normalize": False, "pooling": "max"}])
def test_options_are_those_of_encode(spark, texts, options):
    few = spark.createDataFrame(list(enumerate(texts[:500])), "id int, text string")
    expected = embedd.Model().encode(texts[:500], **options)
    same(column(embed(few, "text", "v", **options), "v", expected.dtype), expected)


def test_labels_are_those_of_the_command(spark, reviews):
    texts = [row.rpartition(",")[0].strip('"') for row in
             (TOP / "examples/reviews/train.csv").read_text(encoding="utf-8").splitlines()[1:]] + [""]
    done = subprocess.run([PROGRAM, "classify", "--model", reviews], check=True, capture_output=True,
                          input="".join(text + "\n" for text in texts).encode())
    answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
    few = spark.createDataFrame(list(enumerate(texts)), "id int, text string").repartition(3)
    rows = classify(few, "text", model=reviews).orderBy("id").collect()
    assert len(rows) == len(answers) > 50
    for row, answer in zip(rows, answers):
        assert row.prediction.label == answer["label"]
        assert {k: np.float32(v) for k, v in row.prediction.scores.items()} == {
            k: np.float32(v) for k, v in answer["scores"].items()}
        assert np.float32(row.prediction.unsure) == np.float32(answer["unsure_score"])
    label = answers[0]["label"]
    kept = classify(few, "text", model=reviews).where(F.col("prediction.scores")[label] > 0.5).count()
    assert kept == sum(answer["scores"][label] > 0.5 for answer in answers)


def test_a_process_opens_a_model_once(spark, frame):
    def count(batches):
        from embedd.arrow import _open
        for _ in batches:
            yield pa.RecordBatch.from_pydict({"pid": [os.getpid()], "opened": [_open.cache_info().misses],
                                              "kept": [_open.cache_info().currsize]})

    for _ in range(3):
        embed(frame, "text", model=FOLDER).write.format("noop").mode("overwrite").save()
    rows = frame.mapInArrow(count, "pid long, opened long, kept long").collect()
    assert len(rows) >= 7 and all(row.opened == row.kept for row in rows)
    assert len({row.pid for row in rows}) <= 4


# ---- nulls, and no rows ----

def test_null_gives_null(spark, reviews):
    few = of(spark, "a", None, "", None).repartition(1)
    assert [row.embedding is None for row in embed(few, "text").collect()] == [
        row.text is None for row in few.collect()]
    for row in classify(few, "text", model=reviews).collect():
        assert (row.prediction is None) == (row.text is None)
    nothing = spark.createDataFrame([(None,), (None,)], StructType([StructField("text", StringType())]))
    assert [row.embedding for row in embed(nothing, "text").collect()] == [None, None]
    assert [row.embedding for row in embed(spark.sql("select null as text"), "text").collect()] == [None]


def test_no_rows_give_none(spark):
    assert embed(of(spark, "a").where("text = 'b'"), "text").collect() == []


def test_other_columns_stay(spark):
    df = spark.sql("select 'a b' as text, map('x', array(1, null)) as m, struct(1 as a, 'ü' as b) as s, "
                   "timestamp'2024-01-01 00:00:00' as t, cast(1.5 as decimal(10,2)) as d, null as n, cast('x' as binary) as y")
    made = embed(df, "text")
    assert made.columns == [*df.columns, "embedding"]
    assert made.drop("embedding").collect() == df.collect()


# ---- what is wrong ----

def test_wrong_columns_are_told_apart(spark):
    df = spark.sql("select 1 as id, 'a' as text, array('a') as list")
    with pytest.raises(embedd.ArgumentError) as error:
        embed(df, "body")
    says(error, "there is no column 'body'; the columns are 'id', 'text', 'list'")
    with pytest.raises(embedd.ArgumentError) as error:
        embed(df, "id")
    says(error, "column 'id' is int, not string; cast it")
    with pytest.raises(embedd.ArgumentError) as error:
        classify(df, "list")
    says(error, "column 'list' is array<string>, not string")
    with pytest.raises(embedd.ArgumentError) as error:
        embed(df, "text", "ID")
    says(error, "there is a column 'ID' already; choose another name by `into`")
    with pytest.raises(embedd.ArgumentError) as error:
        embed(df.join(df.select("text"), on=F.lit(True)), "text")
    says(error, "there are 2 columns 'text'")
    with pytest.raises(TypeError, match="must be names of columns"):
        embed(df, df.text)
    with pytest.raises(TypeError, match="df must be a DataFrame of Spark's, not list"):
        embed(["a"], "text")
    assert embed(df, "TEXT").collect()[0].embedding


def test_columns_of_mixed_types_are_named(spark):
    df = spark.sql("""select parse_json('"a"') as text union all select parse_json('1')""")
    with pytest.raises(embedd.ArgumentError) as error:
        embed(df, "text")
    says(error, "column 'text' is variant, not string")


def test_wrong_options_are_told_before_anything_runs(spark):
    df = of(spark, "a")
    for options, sentence in [({"dtype": "float16"}, "dtype must be one of float32, int8, binary in Spark, not 'float16'"),
                              ({"dimensions": 9999}, "9999"), ({"pooling": "best"}, "pooling must be one of"),
                              ({"invalid": "ignore"}, "invalid must be one of"), ({"prompt": "query"}, "query")]:
        with pytest.raises(ValueError if "prompt" not in options else LookupError) as error:
            embed(df, "text", **options)
        says(error, sentence)
    with pytest.raises(embedd.NotFoundError, match="no classifier head"):
        classify(df, "text")


def test_rows_that_are_no_utf8_are_named(spark):
    df = spark.sql("select /*+ repartition(1) */ if(id = 1234, cast(unhex('ff') as string), 'a') as text from range(3000)")
    with pytest.raises(Exception) as error:
        embed(df.coalesce(1), "text").collect()
    says(error, "column 'text', partition 0, row 1234: its text is not UTF-8 at byte 1 (0xFF)")
    assert embed(df, "text", invalid="null").where("embedding is null").count() == 1
    assert embed(df, "text", invalid="replace").where("embedding is null").count() == 0


def test_a_model_that_is_not_there(spark, tmp_path):
    with pytest.raises(embedd.FileError, match="cannot open model '/no/such'"):
        embed(of(spark, "a"), "text", model="/no/such")
    (tmp_path / "cut").write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(embedd.Error):
        embed(of(spark, "a"), "text", model=tmp_path / "cut", ship=True)


def test_a_model_that_vanishes_or_becomes_another(spark, tmp_path):
    path = tmp_path / "model"
    shutil.copytree(FOLDER, path)
    planned = embed(of(spark, "a"), "text", model=path)
    assert planned.count() == 1
    shutil.rmtree(path)
    with pytest.raises(Exception) as error:
        embed_all(planned)
    says(error, f"cannot open model '{path}'", "Every node needs the model at that path; or ship=True sends the driver's")
    shutil.copytree(TOP / "examples/chain/w6x2", path)
    with pytest.raises(Exception) as error:
        embed_all(planned)
    says(error, "is another model than where the work was planned: 'chain-w6x2' with 2 dimensions, not 'chain-w6x8' with 8")


def embed_all(df):
    return [row.embedding for row in df.collect()]


def test_a_model_that_is_replaced_is_opened_anew(spark, tmp_path):
    path = tmp_path / "model"
    for name in ("w6x8", "w6x2"):
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(TOP / "examples/chain" / name, path)
        rows = embed_all(embed(of(spark, "我爱吃饭"), "text", model=path))
        assert np.array(rows, np.float32).tobytes() == vectors_of(["我爱吃饭"], "--model", path).tobytes()


# ---- models that are sent ----

@pytest.mark.parametrize("name", ["", "model.safetensors"])
def test_models_are_sent(spark, texts, tmp_path, name):
    """The executors cannot read the driver's files: they are gone when it runs."""
    path = tmp_path / "model"
    shutil.copytree(FOLDER, path)
    if name and not (path / name).exists():
        pytest.fail(f"{path} has no {name}")
    expected = embedd.Model(path).encode(texts[:100])
    df = spark.createDataFrame(list(enumerate(texts[:100])), "id int, text string")
    planned = embed(df, "text", model=path, ship=True)
    again = embed(df, "text", model=path, ship=True)
    shutil.rmtree(path)
    same(column(planned), expected)
    same(column(again), expected)


def test_heads_beside_a_model_are_sent(spark):
    model = embedd.Model(TOP / "examples/chain/w6x2", heads=TOP / "examples/heads", threads=1)
    expected = model.classify(["我爱吃饭"])
    row = classify(of(spark, "我爱吃饭"), "text", model=model, ship=True).collect()[0]
    assert row.prediction.scores == expected.scores(0) and row.prediction.label == expected.label[0]


# ---- pipelines ----

def test_stages_are_saved_and_loaded(spark, frame, expected, reviews, tmp_path):
    stage = EmbeddTransformer(outputCol="v", dimensions=64, normalize=True, pooling="mean")
    head = HeadClassifier(model=str(reviews), topK=1, threshold=0.4, ship=True)
    made = Pipeline(stages=[stage, head]).fit(frame)
    made.write().overwrite().save(str(tmp_path / "pipeline"))
    loaded = PipelineModel.load(str(tmp_path / "pipeline"))
    for one, other in zip(made.stages, loaded.stages):
        assert type(one) is type(other) and one.uid == other.uid
        assert {p.name: v for p, v in one.extractParamMap().items()} == {p.name: v for p, v in other.extractParamMap().items()}
    some = frame.where("id < 300")
    assert loaded.transform(some).orderBy("id").collect() == made.transform(some).orderBy("id").collect()
    same(column(loaded.transform(some), "v"),
         embedd.Model().encode([row.text for row in some.orderBy("id").collect()], dimensions=64, normalize=True, pooling="mean"))
    assert loaded.stages[1].getOrDefault("threshold") == 0.4 and len(loaded.transform(some).first().prediction.scores) == 1


def test_params_are_params(frame):
    stage = EmbeddTransformer(inputCol="body")
    copy = stage.copy({stage.inputCol: "text", stage.dimensions: 8})
    assert stage.getInputCol() == "body" and copy.getInputCol() == "text"
    assert len(copy.transform(frame).first().embedding) == 8
    assert len(stage.transform(frame.withColumnRenamed("text", "body"), {stage.dimensions: 16}).first().embedding) == 16
    with pytest.raises(embedd.ArgumentError, match="outputType must be 'array' or 'vector', not 'list'"):
        EmbeddTransformer(outputType="list").transform(frame)
    with pytest.raises(TypeError):
        EmbeddTransformer(dimensions="many")


def test_vectors_feed_a_classifier(spark, tmp_path):
    import csv
    with open(TOP / "examples/reviews/train.csv", encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    labels = sorted({label for _, label in rows})
    df = spark.createDataFrame([(text, float(labels.index(label))) for text, label in rows], "text string, label double")
    stages = [EmbeddTransformer(outputCol="features", outputType="vector"), LogisticRegression(maxIter=50)]
    fitted = Pipeline(stages=stages).fit(df)
    fitted.write().overwrite().save(str(tmp_path / "fitted"))
    answers = PipelineModel.load(str(tmp_path / "fitted")).transform(df)
    assert answers.where("label = prediction").count() > 0.9 * len(rows)
    assert EmbeddTransformer(outputType="vector").transform(of(spark, None, "a")).where("embedding is null").count() == 1


# ---- processes and machines ----

@pytest.fixture
def parquet(texts, tmp_path):
    """`rows` texts in files, and what the command makes of them."""
    def make(rows):
        (tmp_path / "in").mkdir()
        made = [f"{i} {texts[i % len(texts)]}" if i >= len(texts) else texts[i] for i in range(rows)]
        pq.write_table(pa.table({"id": pa.array(range(rows), pa.int32()), "text": made}), tmp_path / "in/texts.parquet",
                       row_group_size=20_000)
        return tmp_path / "in", tmp_path / "out", made
    return make


def job(master, model, how, source, target, tasks, *more):
    here = Path(__file__).with_name("spark_job.py")
    done = subprocess.run([sys.executable, here, master, str(model), how, source, target, str(tasks), *more],
                          capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def holds(target, expected):
    """Every row is there once, bit for bit."""
    seen = np.zeros(len(expected), int)
    for file in sorted(target.glob("*.parquet")):
        table = pq.read_table(file)
        ids = table["id"].to_numpy()
        found = table["embedding"].combine_chunks().flatten().to_numpy().reshape(len(ids), -1)
        assert table["embedding"].null_count == 0
        assert found.tobytes() == expected[ids].tobytes()
        np.add.at(seen, ids, 1)
    assert (seen == 1).all()


def test_an_executor_is_killed_in_the_middle(parquet):
    source, target, texts = parquet(ROWS)
    tasks = max(40, ROWS // 10_000)
    said = job("local-cluster[2,1,1024]", "builtin", "path", source, target, tasks, "kill")
    assert said["state"] == "SUCCEEDED" and said["executors"] == 2 and tasks // 4 <= said["done"] < said["of"] == tasks
    holds(target, vectors_of(texts))


def test_a_model_is_sent_to_processes(parquet, tmp_path):
    source, target, texts = parquet(3000)
    job("local-cluster[2,1,1024]", FOLDER, "ship", source, target, 8)
    holds(target, vectors_of(texts, "--model", FOLDER))


@pytest.fixture
def alone(tmp_path):
    """A stand-alone master and a worker on loopback."""
    run = Path(pyspark.__file__).parent / "bin/spark-class"
    logs, processes = [], []

    def start(name, *arguments):
        logs.append(tmp_path / f"{name}.log")
        with open(logs[-1], "wb") as log:
            processes.append(subprocess.Popen([run, f"org.apache.spark.deploy.{name}", "--host", "127.0.0.1", *arguments],
                                              stdout=log, stderr=log, cwd=tmp_path))

    def wait_for(pattern):
        found = []
        wait_until(lambda: found.extend(re.findall(pattern, logs[-1].read_text(errors="replace"))) or found, pattern)
        return found[0]

    try:
        start("master.Master", "--port", "0", "--webui-port", "0")
        master = wait_for(r"Starting Spark master at (spark://\S+)")
        start("worker.Worker", "--cores", "2", "--memory", "1g", "--webui-port", "0", "--work-dir", str(tmp_path / "work"), master)
        wait_for("Successfully registered with master")
        yield master
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def test_it_works_on_a_stand_alone_cluster(parquet, alone):
    source, target, texts = parquet(3000)
    job(alone, FOLDER, "ship", source, target, 8)
    holds(target, vectors_of(texts, "--model", FOLDER))


def test_its_types_hold():
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", os.devnull, "--follow-imports=silent",
                           TOP / "python/embedd/arrow.py", TOP / "python/embedd/spark.py"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
