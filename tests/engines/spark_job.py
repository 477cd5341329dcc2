# SPDX-License-Identifier: Apache-2.0
"""A job of Spark's in a process of its own, since a process has one master: embeds the column `text` of a Parquet folder.
usage: spark_job.py MASTER MODEL ship|path IN OUT TASKS [kill]
kill: an executor is killed when a quarter of the tasks are done. Says in JSON what it was like then."""
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from pyspark.sql import SparkSession

from embedd.spark import embed

PATIENCE_S = 600


def parents():
    """Pid to parent's, of all processes."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            pass
    return found


def our_executors():
    above = parents()

    def is_ours(pid):
        while pid in above and pid != os.getpid():
            pid = above[pid]
        return pid == os.getpid()

    def is_executor(pid):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        return any(word.endswith(b"CoarseGrainedExecutorBackend") for word in words)

    return [pid for pid in above if is_ours(pid) and is_executor(pid)]


def progress(context):
    """Done, running and all tasks of the stage that embeds."""
    tracker = context.statusTracker()
    stages = [tracker.getStageInfo(stage) for job in tracker.getJobIdsForGroup("embed")
              for stage in tracker.getJobInfo(job).stageIds]
    return max(((s.numCompletedTasks, s.numActiveTasks, s.numTasks) for s in stages if s), key=lambda s: s[2],
               default=(0, 0, 0))


def kill_one(context, tasks, said):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        done, running, of = progress(context)
        if of == tasks and done >= tasks // 4 and running > 0:
            executors = our_executors()
            os.kill(executors[0], signal.SIGKILL)
            said.update(done=done, of=of, executors=len(executors))
            return
        time.sleep(0.005)


def main(master, model, how, source, target, tasks, kill=""):
    spark = (SparkSession.builder.master(master).config("spark.ui.enabled", "false")
             .config("spark.executor.memory", "512m").config("spark.driver.host", "127.0.0.1").getOrCreate())
    spark.sparkContext.setLogLevel("OFF")
    texts = spark.read.parquet(source).repartition(int(tasks))
    made = embed(texts, "text", model=model, ship=how == "ship")
    said = {}
    # What threads set by setJobGroup is theirs alone.
    killer = threading.Thread(target=kill_one, args=(spark.sparkContext, int(tasks), said))
    spark.sparkContext.setJobGroup("embed", "embed")
    if kill:
        killer.start()
    made.write.parquet(target)
    if kill:
        killer.join()
    said["state"] = spark.sparkContext.statusTracker().getJobInfo(
        max(spark.sparkContext.statusTracker().getJobIdsForGroup("embed"))).status
    print(json.dumps(said))
    spark.stop()


main(*sys.argv[1:])
