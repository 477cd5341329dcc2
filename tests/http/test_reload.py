# SPDX-License-Identifier: Apache-2.0
"""What is read anew while requests are answered: models that come and go, settings, watched links."""

import json
import os
import re
import shutil
import signal
import ssl
import threading
import time

import certificates
import pytest
from harness import SMALL, wait_until
from test_access import line, write
from test_models import ask, ids, make_model, reload, reloads, replace, slow, vector  # noqa: F401


def ask_reload(service):
    """POST /admin/reload: status, and what became of each model."""
    status, reply = ask(service, "/admin/reload")
    return status, reply, {one["name"]: one["status"] for one in reply.get("models", ())}


def settings(path, **values):
    path.write_text(json.dumps({name.replace("_", "-"): value for name, value in values.items()}))


# ---- models that come and go ----

def test_models_are_added_swapped_left_alone_and_taken_away(start, tmp_path):
    one, two = make_model(tmp_path / "m1", 1), make_model(tmp_path / "m2", 2)
    service = start("--models", str(tmp_path))
    assert ask_reload(service)[2] == {"m1": "unchanged", "m2": "unchanged"}
    make_model(tmp_path / "m0", 9)
    replace(two, 2, 5)
    shutil.rmtree(one)
    status, reply, became = ask_reload(service)
    assert (status, reply["status"]) == (200, "ok") and reply["duration_s"] >= 0
    assert became == {"m0": "added", "m1": "removed", "m2": "reloaded"}
    assert [part["name"] for part in reply["parts"]] == ["options", "models"]
    assert all(part["status"] == "ok" for part in reply["parts"])
    (swapped,) = [one for one in reply["models"] if one["name"] == "m2"]
    assert swapped["version"] == "v5" and swapped["number"] > swapped["previous_number"]
    # The first in order is the default, also when it came last.
    assert ids(service) == ["m0", "m2"] and vector(service) == [9, 1] and vector(service, "m2") == [2, 5]
    assert ask(service, "/v1/embeddings", input="food", model="m1")[0] == 404
    metrics = service.get("/metrics").body.decode()
    assert 'embedd_model_info{model="m1"' not in metrics and 'embedd_model_info{model="m0"' in metrics
    said = service.stderr()
    numbers = f"serial number {swapped['number']} instead of {swapped['previous_number']}, "
    assert "model 'm0': added, version 'v1', serial number " in said
    assert f"model 'm2': reloaded, version 'v5', {numbers}" in said and "model 'm1': removed" in said
    assert "1 added, 1 reloaded, 0 unchanged, 1 removed, 0 failed" in said


def test_the_one_that_is_left_does_not_answer_for_those_that_are_gone(start, tmp_path):
    make_model(tmp_path / "m1", 1)
    two = make_model(tmp_path / "m2", 2)
    service = start("--models", str(tmp_path))
    shutil.rmtree(two)
    assert ask_reload(service)[2] == {"m1": "unchanged", "m2": "removed"}
    for name in ("m2", "nobody"):
        assert ask(service, "/v1/embeddings", input="food", model=name)[0] == 404
    assert vector(service) == vector(service, "m1") == [1, 1]


def test_the_last_models_are_not_taken_away(start, tmp_path):
    folder = make_model(tmp_path / "models" / "m1", 1).parent
    make_model(folder / "m2", 2)
    service = start("--models", str(folder))
    shutil.rmtree(folder / "m1")
    shutil.rmtree(folder / "m2")
    status, reply, became = ask_reload(service)
    assert (status, reply["status"], became) == (422, "partial", {})
    assert "holds no model" in reply["parts"][1]["error"] and ids(service) == ["m1", "m2"]
    folder.rmdir()
    assert ask_reload(service)[0] == 422 and vector(service, "m2") == [2, 1]
    # None that opens is as bad as none.
    make_model(folder / "new", 1)
    (folder / "new" / "config.json").write_text("{")
    status, reply, became = ask_reload(service)
    assert status == 422 and became == {"new": "failed"} and ids(service) == ["m1", "m2"]
    assert "1 model or alias was refused (served as before: 0, not served: 1, " in reply["parts"][1]["error"]
    shutil.rmtree(folder / "new")
    make_model(folder / "new", 7)
    assert ask_reload(service)[2] == {"new": "added", "m1": "removed", "m2": "removed"}
    assert vector(service) == [7, 1]


def test_every_refused_model_is_named_and_the_others_go_on(start, tmp_path):
    for mark in range(1, 5):
        make_model(tmp_path / f"m{mark}", mark)
    service = start("--models", str(tmp_path))
    for mark in (1, 3):
        replace(tmp_path / f"m{mark}", mark, 2)
        (tmp_path / f"m{mark}" / "config.json").write_text("{")
    replace(tmp_path / "m4", 4, 2)
    status, reply, became = ask_reload(service)
    assert status == 422 and became == {"m1": "failed", "m2": "unchanged", "m3": "failed", "m4": "reloaded"}
    errors = {one["name"]: one["error"] for one in reply["models"] if one["status"] == "failed"}
    assert all(f"{name}/config.json" in error for name, error in errors.items())
    assert [vector(service, f"m{mark}") for mark in range(1, 5)] == [[1, 1], [2, 1], [3, 1], [4, 2]]
    assert "2 models and aliases were refused (served as before: 2, not served: 0, " in reply["parts"][1]["error"]
    assert service.metric("embedd_config_last_reload_successful") == 0
    for mark in (1, 3):
        replace(tmp_path / f"m{mark}", mark, 3)
    before = service.metric("embedd_config_last_reload_success_timestamp_seconds")
    assert ask_reload(service)[0] == 200 and vector(service, "m3") == [3, 3]
    assert service.metric("embedd_config_last_reload_successful") == 1
    assert service.metric("embedd_config_last_reload_success_timestamp_seconds") >= before > 0


def test_a_model_that_opens_and_does_not_answer_is_refused(start, tmp_path):
    folder = make_model(tmp_path / "m", 1)
    service = start("--model", str(folder))
    replace(folder, 1, 3e38)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "pooling": "sum"}))
    status, reply, became = ask_reload(service)
    assert status == 422 and became == {"m": "failed"}
    assert "self-test of the model failed" in reply["models"][0]["error"] and vector(service) == [1, 1]


def test_a_folder_that_vanishes_half_way_never_takes_its_model_with_it(start, tmp_path):
    folder, away = make_model(tmp_path / "m", 1), tmp_path / "away"
    service = start("--model", f"m={folder}")
    stop = threading.Event()

    def vanish():
        while not stop.is_set():
            folder.rename(away)
            time.sleep(0.005)
            away.rename(folder)
            time.sleep(0.02)

    thread = threading.Thread(target=vanish)
    thread.start()
    try:
        for _ in range(40):
            status, reply, became = ask_reload(service)
            assert status in (200, 422) and became["m"] in ("unchanged", "reloaded", "failed")
            assert vector(service) == [1, 1]
    finally:
        stop.set()
        thread.join()
    assert ask_reload(service)[0] == 200


# ---- settings ----

def test_models_and_aliases_are_read_anew_from_the_file(start, tmp_path):
    one, two, three = (str(make_model(tmp_path / f"m{mark}", mark)) for mark in (1, 2, 3))
    file = tmp_path / "embedd.json"
    settings(file, model=[f"a={one}", f"b={two}"], alias=["x=a", "y=b"])
    service = start("--config", str(file))
    assert (ids(service), vector(service, "x"), vector(service, "y")) == (["a", "b"], [1, 1], [2, 1])
    settings(file, model=[f"c={three}", f"b={two}"], alias=["x=c", "a=b"])
    status, _, became = ask_reload(service)
    assert status == 200 and became == {"c": "added", "b": "unchanged", "a": "removed"}
    assert ids(service) == ["c", "b"] and vector(service) == [3, 1]
    assert vector(service, "x") == [3, 1] and vector(service, "a") == [2, 1]
    assert ask(service, "/v1/embeddings", input="food", model="y")[0] == 404
    settings(file, model=[f"c={three}"], alias=["x=nobody"])
    status, reply, became = ask_reload(service)
    assert status == 422 and became == {"c": "unchanged", "b": "removed", "x": "failed"}
    assert "'nobody' is not" in json.dumps(reply) and vector(service, "x") == [3, 1]


def test_reloadable_settings_of_the_file_are_in_force_and_others_are_named(start, tmp_path):
    file = tmp_path / "embedd.json"
    settings(file, max_inputs=1, threads=2, max_input_tokens=100)
    service = start("--config", str(file), "--max-input-tokens", "50")
    two = {"input": ["food", "food"]}
    assert ask(service, "/v1/embeddings", **two)[0] in (400, 413)
    settings(file, max_inputs=2, threads=3, listen="127.0.0.1:1", max_input_tokens=2, access_log=True,
             request_timeout="200ms", server_timing=True)
    status, reply, _ = ask_reload(service)
    assert status == 200 and ask(service, "/v1/embeddings", **two)[0] == 200
    assert "threads: needs a restart" in service.stderr() and "max-inputs: '2' instead of '1'" in service.stderr()
    # A flag wins over the file, then as now.
    assert ask(service, "/v1/embeddings", input="food " * 20)[0] == 200
    reply = service.post("/v1/embeddings", json.dumps(two).encode())
    assert "server-timing" in reply.headers
    wait_until(lambda: '"route":"/v1/embeddings"' in service.stderr(), "the access log is on")
    with service.connect() as client:  # the new deadline holds
        client.send(b"POST /v1/embeddings HTTP/1.1\r\n")
        client.read_to_end()


@pytest.mark.parametrize("text, sentence", [
    ("{", "embedd.json"), ('{"max-inputs": 0}', "max-inputs must be"), ('{"max-inputz": 1}', "did you mean 'max-inputs'"),
    ("[]", "must hold a JSON object"), (None, "embedd.json")])
def test_a_bad_file_changes_nothing(start, tmp_path, text, sentence):
    file = tmp_path / "embedd.json"
    settings(file, max_inputs=1)
    service = start("--config", str(file))
    file.write_text(text) if text else file.unlink()
    status, reply, became = ask_reload(service)
    assert status == 422 and reply["parts"][0]["status"] == "failed" and sentence in reply["parts"][0]["error"]
    assert reply["parts"][1]["status"] == "ok" and list(became.values()) == ["unchanged"]
    assert ask(service, "/v1/embeddings", input=["a", "b"])[0] != 200


# ---- who asks ----

def test_one_reload_at_a_time(start, slow):
    service = start("--models", slow)
    statuses = []

    def one():
        for _ in range(3):
            os.utime(f"{slow}/../words.vec")
            statuses.append(ask(service, "/admin/reload")[0])

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 409, 422} and 409 in statuses and 200 in statuses
    # A hangup meanwhile waits for its turn.
    before = reloads(service) + reloads(service, "failed")
    thread = threading.Thread(target=one)
    thread.start()
    service.signal(signal.SIGHUP)
    thread.join()
    wait_until(lambda: reloads(service) + reloads(service, "failed") > before, "it has its turn")


def test_items_of_a_list_are_logged_one_by_one(start, tmp_path):
    file = tmp_path / "embedd.json"
    settings(file, alias=["a=embedd-base-2", "b=embedd-base-2"])
    service = start("--config", str(file))
    settings(file, alias="b=embedd-base-2", threads=3, workers=3)
    assert ask_reload(service)[0] == 200
    said = service.stderr()
    assert "alias: 'b=embedd-base-2' instead of 'a=embedd-base-2', 'b=embedd-base-2'" in said
    assert "threads, workers: need a restart" in said


def test_a_draining_server_reloads_nothing(start):
    service = start("--drain-delay", "3s")
    with service.connect() as client:
        service.signal(signal.SIGTERM)
        wait_until(lambda: "draining" in service.stderr(), "it drains")
        reply = client.post("/admin/reload", b"")
        assert reply.status == 503 and "stopping" in reply.json()["error"]["message"]
    assert service.wait() == 0


def test_strangers_are_refused_where_other_machines_can_ask(start):
    service = start("--insecure", listen="0.0.0.0:0")
    for reply in (service.post("/admin/reload", b""), service.get("/admin/models")):
        assert reply.status == 403 and "operators" in reply.json()["error"]["message"]
    assert service.get("/admin/reload").status == 405


def test_operators_see_paths_numbers_and_times(start, tmp_path):
    folder = make_model(tmp_path / "m", 1, labels=["a", "b"])
    service = start("--model", f"x={folder}")
    (model,) = service.get("/admin/models").json()["models"]
    assert abs(model.pop("loaded_at") - time.time()) < 600 and model.pop("bytes") > 0
    assert model == {"name": "x", "state": "served", "version": "v1", "path": str(folder), "number": 1,
                     "vocab_size": model["vocab_size"], "dim": 2, "heads": ["default"]}


def test_operators_see_which_model_can_no_longer_be_read(start, tmp_path):
    folders = [make_model(tmp_path / name, mark) for mark, name in enumerate("ab", 1)]
    service = start("--models", str(tmp_path), "--watch", "50ms")
    table = folders[1] / "model.safetensors"
    whole = table.read_bytes()

    def states():
        return [model["state"] for model in service.get("/admin/models").json()["models"]]

    def readable():
        return [service.metric('embedd_model_readable{model="%s"' % name) for name in "ab"]

    listed = service.get("/v1/models").body
    assert states() == ["served", "served"] and readable() == [1, 1]
    os.truncate(table, len(whole) - 1)
    wait_until(lambda: states() == ["served", "unreadable"], "it is noticed")
    assert readable() == [1, 0] and service.get("/v1/models").body == listed
    table.with_name("next").write_bytes(whole)
    table.with_name("next").rename(table)
    reload(service)
    assert states() == ["served", "served"] and readable() == [1, 1]


# ---- links ----

def versions(folder, mark, n):
    for variant in range(1, n + 1):
        make_model(folder / f"v{variant}", mark, variant)
    point(folder, "v1")


def point(folder, target):
    """As deployments do: another link, renamed into place."""
    (folder / ".next").symlink_to(target)
    (folder / ".next").rename(folder / "current")


def test_what_current_leads_to_is_served_and_followed(start, tmp_path):
    versions(tmp_path / "models" / "m1", 1, 3)
    make_model(tmp_path / "models" / "m2", 2)
    service = start("--models", str(tmp_path / "models"), "--watch", "50ms")
    assert ids(service) == ["m1", "m2"] and vector(service, "m1") == [1, 1]
    assert service.get("/admin/models").json()["models"][0]["path"].endswith("/v1")
    for variant in (3, 2):
        point(tmp_path / "models" / "m1", f"v{variant}")
        wait_until(lambda: vector(service, "m1") == [1, variant], "the link is followed")
    assert "a watched link leads elsewhere" in service.stderr()


def test_what_current_leads_to_may_come_and_go_while_serving(start, tmp_path):
    make_model(tmp_path / "models" / "m1", 1)
    service = start("--models", str(tmp_path / "models"), "--watch", "50ms")
    versions(tmp_path / "models" / "m2", 2, 2)
    wait_until(lambda: ids(service) == ["m1", "m2"], "a new folder is served")
    make_model(tmp_path / "models" / "m3" / "v1", 3)
    (tmp_path / "models" / "m3" / "current").symlink_to("v1")
    wait_until(lambda: ids(service) == ["m1", "m2", "m3"], "one whose link came later, too")
    assert (vector(service, "m2"), vector(service, "m3")[0]) == ([2, 1], 3)
    (tmp_path / "models" / "m2").rename(tmp_path / "m2")
    wait_until(lambda: ids(service) == ["m1", "m3"], "one that is gone is not served")


def test_a_model_that_lost_its_link_is_served_when_it_is_there_again(start, tmp_path):
    versions(tmp_path / "m", 1, 2)
    service = start("--model", str(tmp_path / "m"), "--watch", "30ms")
    (tmp_path / "m" / "current").unlink()
    wait_until(lambda: reloads(service, "failed") == 1, "it is refused")
    reloads_before = reloads(service)
    service.signal(signal.SIGHUP)
    wait_until(lambda: reloads(service, "failed") == 2, "once more, without a link to watch")
    assert vector(service) == [1, 1] and reloads(service) == reloads_before
    point(tmp_path / "m", "v2")
    wait_until(lambda: vector(service) == [1, 2], "it is followed again")


def test_a_model_of_several_versions_has_the_name_of_its_folder(start, tmp_path):
    versions(tmp_path / "mine", 4, 2)
    service = start("--model", f"{tmp_path}/mine/", "--watch", "0")
    assert ids(service) == ["mine"] and vector(service) == [4, 1]
    point(tmp_path / "mine", "v2")
    reload(service)
    assert vector(service) == [4, 2]


def test_a_link_to_nowhere_is_refused_once_until_it_changes(start, tmp_path):
    versions(tmp_path / "m", 1, 2)
    service = start("--model", str(tmp_path / "m"), "--watch", "30ms")
    point(tmp_path / "m", "nowhere")
    wait_until(lambda: reloads(service, "failed") == 1, "it is refused")
    time.sleep(0.5)
    assert reloads(service, "failed") == 1 and vector(service) == [1, 1]
    point(tmp_path / "m", "v2")
    wait_until(lambda: vector(service) == [1, 2], "it is followed again")


def test_a_link_that_flaps_ends_at_what_it_leads_to_last(start, tmp_path):
    versions(tmp_path / "m", 1, 3)
    service = start("--model", str(tmp_path / "m"), "--watch", "40ms")
    for i in range(200):
        point(tmp_path / "m", f"v{1 + i % 2}")
        if i % 10 == 0:
            assert vector(service)[0] == 1
    point(tmp_path / "m", "v3")
    wait_until(lambda: vector(service) == [1, 3], "the last one counts")


def test_a_mounted_folder_and_file_are_followed(start, tmp_path):
    # As Kubernetes mounts them: names are links into ..data, which is a link to the version.
    mount = tmp_path / "mount"
    for variant in (1, 2):
        folder = make_model(mount / f"..{variant}" / "m", 1, variant)
        settings(folder.parent / "embedd.json", max_inputs=variant, models=str(mount))
    (mount / "..data").symlink_to("..1")
    (mount / "m").symlink_to("..data/m")
    (mount / "embedd.json").symlink_to("..data/embedd.json")
    service = start("--config", str(mount / "embedd.json"), "--watch", "50ms")
    assert vector(service) == [1, 1]
    (mount / "..next").symlink_to("..2")
    (mount / "..next").rename(mount / "..data")
    wait_until(lambda: vector(service) == [1, 2], "the mount is followed")
    assert ask(service, "/v1/embeddings", input=["food", "food"])[0] == 200


class Mount:
    """A secret as Kubernetes mounts it: names are links into ..data, which is a link to the version."""

    def __init__(self, folder, *versions):
        self.folder, self.n = folder, 0
        for variant, files in enumerate(versions, 1):
            (folder / f"..{variant}").mkdir(parents=True)
            for name, content in files.items():
                (folder / f"..{variant}" / name).write_bytes(content)
                (folder / f"..{variant}" / name).chmod(0o600)
        self.swap()
        for name in versions[0]:
            (folder / name).symlink_to(f"..data/{name}")

    def swap(self):
        self.n += 1
        (self.folder / "..next").symlink_to(f"..{self.n}")
        (self.folder / "..next").rename(self.folder / "..data")


def status_by(service, key):
    with service.connect() as client:
        return client.post(*SMALL, x_api_key=key).status


def test_mounted_keys_are_followed(start, tmp_path):
    old, new = "a-key-of-old-times", "a-key-of-new-times"
    mount = Mount(tmp_path, *({"keys": line("web", key).encode()} for key in (old, new)), {"keys": b"nonsense\n"})
    service = start(f"--api-keys={tmp_path}/keys", "--watch=50ms")
    assert (status_by(service, old), status_by(service, new)) == (200, 401)
    mount.swap()
    wait_until(lambda: status_by(service, new) == 200, "the new key is known")
    assert status_by(service, old) == 401
    mount.swap()
    wait_until(lambda: "reload: keys: " in service.stderr(), "a bad file is told")
    assert status_by(service, new) == 200


@pytest.mark.parametrize("mounted", ["cert", "ca"])
def test_mounted_certificates_are_followed(start, tmp_path, mounted):
    first, second = (certificates.Pair(tmp_path, f"ca{i}", is_ca=True) for i in (1, 2))
    pairs = [certificates.Pair(tmp_path, f"server{i}", issuer=ca) for i, ca in enumerate((first, second))]
    guests = [certificates.Pair(tmp_path, f"guest{i}", issuer=ca) for i, ca in enumerate((first, second))]
    if mounted == "cert":
        contents = [{"tls.crt": pair.cert.read_bytes(), "tls.key": pair.key.read_bytes()} for pair in pairs]
        flags = [f"--tls-cert={tmp_path}/m/tls.crt", f"--tls-key={tmp_path}/m/tls.key"]
    else:
        contents = [{"ca.crt": ca.cert.read_bytes()} for ca in (first, second)]
        flags = [*pairs[0].flags(), f"--tls-client-ca={tmp_path}/m/ca.crt"]
    mount = Mount(tmp_path / "m", *contents)
    is_ca = mounted == "ca"
    contexts = [certificates.client(first if is_ca else ca, guest if is_ca else None)
                for ca, guest in zip((first, second), guests)]
    service = start(*flags, "--watch=50ms", tls=contexts[0])

    def is_welcome(i):
        service.tls = contexts[i]
        try:
            return service.get("/live").status == 200
        except (ssl.SSLError, ConnectionError):
            return False

    assert is_welcome(0) and not is_welcome(1)
    mount.swap()
    wait_until(lambda: is_welcome(1), "the new one counts")
    assert not is_welcome(0)


def test_a_file_that_another_is_renamed_over_waits_for_a_reload(start, tmp_path):
    """As the files of models do; but one that becomes a link is followed."""
    keys = ["a-key-of-old-times", "a-key-of-new-times", "a-key-of-times-to-come"]
    file = tmp_path / "keys"
    write(file, line("web", keys[0]))
    make_model(tmp_path / "models" / "m", 1)
    (tmp_path / "models" / "current").symlink_to("m")
    service = start("--model", f"m={tmp_path}/models", f"--api-keys={file}", "--watch=30ms")
    write(file, line("web", keys[1]))
    time.sleep(0.5)
    assert status_by(service, keys[0]) == 200
    service.signal(signal.SIGHUP)
    wait_until(lambda: status_by(service, keys[1]) == 200, "a reload reads it")
    write(tmp_path / "v3", line("web", keys[2]))
    (tmp_path / "next").symlink_to("v3")
    (tmp_path / "next").rename(file)
    wait_until(lambda: status_by(service, keys[2]) == 200, "a link is followed")


# ---- under load ----

def test_every_reply_under_load_is_that_of_the_model_it_names(start, tmp_path):
    versions(tmp_path / "m", 1, 2)
    service = start("--model", str(tmp_path / "m"), "--watch", "20ms")
    stop, wrong, seen = threading.Event(), [], set()
    body = json.dumps({"input": ["food", "is good"]}).encode()

    def client():
        with service.connect() as one:
            while not stop.is_set():
                reply = one.post("/v1/embeddings", body)
                version = int(re.fullmatch(r"m/v(\d)", reply.headers.get("x-embedd-model", ""))[1])
                found = [one["embedding"] for one in reply.json()["data"]]
                if reply.status != 200 or found != [[1, version]] * 2:
                    wrong.append((reply.status, reply.headers, found))
                seen.add(version)

    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for i in range(10):
            point(tmp_path / "m", f"v{1 + (i + 1) % 2}")
            wait_until(lambda: vector(service) == [1, 1 + (i + 1) % 2], "it is swapped")
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not wrong and seen == {1, 2}
