"""bench interop: other teams' clients write what ShelfStream reads and read what it writes.

A broker, a real registry and the service run as processes of their own; the official clients are those that the
documentation names, and the documented examples are run as they stand.
"""
import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

FRAMES, EVENTS, DEAD = "shelf.frames", "shelf.recognitions", "shelf.dead-letters"
UPDATES, STATUS = "shelf.gallery.updates", "shelf.gallery.status"
JSON, EPCIS = "shelf.recognitions.json", "shelf.epcis"
PATIENCE = 180
JAVA = os.path.join(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"


class Process:
    """A child with its standard error in a list."""

    def __init__(self, command, **more):
        self.log = []
        self.child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stderr:
            self.log.append(line.rstrip())

    def wait_for(self, text):
        deadline = time.time() + PATIENCE
        while not any(text in line for line in self.log):
            if time.time() > deadline or self.child.poll() is not None:
                raise SystemExit(f"'{text}' did not come: " + "\n".join(self.log[-20:]))
            time.sleep(0.1)

    def stop(self, how=signal.SIGTERM):
        if self.child.poll() is None:
            self.child.send_signal(how)
            try:
                self.child.wait(60)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class Registry:
    def __init__(self, app, data):
        self.jar = next(Path(app).glob("*-runner.jar"))
        self.data = data
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/apis/ccompat/v7"
        self.process = None

    def start(self):
        # Its schemas are in a file, so that a restart knows them: written at once, or those of the last half second
        # would be lost with the process. It would listen on every address.
        self.process = subprocess.Popen(
            [JAVA, "-Xmx384m", "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={self.port}", "-jar", str(self.jar)],
            env={**os.environ, "REGISTRY_DATASOURCE_URL": f"jdbc:h2:file:{self.data}/registry;WRITE_DELAY=0"},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.time() + PATIENCE
        while True:
            try:
                urllib.request.urlopen(self.url + "/subjects", timeout=5).read()
                return
            except (urllib.error.URLError, OSError):
                if time.time() > deadline or self.process.poll() is not None:
                    raise SystemExit("the registry does not start")
                time.sleep(0.2)

    def require_compatibility(self):
        request = urllib.request.Request(
            self.url + "/config", b'{"compatibility": "FULL_TRANSITIVE"}',
            {"Content-Type": "application/json"}, method="PUT")
        urllib.request.urlopen(request).read()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class Checks:
    def __init__(self):
        self.results = []

    def note(self, what, passed, detail=""):
        self.results.append({"check": what, "passed": bool(passed), "detail": str(detail)[:2000]})
        print(f"{'ok    ' if passed else 'FAILED'}  {what}{'  ' + str(detail) if detail else ''}", flush=True)


class Run:
    def __init__(self, options, work):
        self.options = options
        self.work = work
        self.checks = Checks()
        self.root = Path(options.root)
        self.launcher = (
            [JAVA, "@" + options.java_arguments, "io.shelfstream.Main"]
            if options.java_arguments else [str(self.root / "deploy/shelfstream")])
        self.registry = Registry(options.registry, work)
        self.image = work / "halves.png"
        shutil.copy(self.root / "topology/src/test/resources/pictures/halves.png", self.image)
        self.processes = []

    # --- the parts ---

    def start(self, *arguments):
        process = Process(self.launcher + list(arguments), env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"})
        self.processes.append(process)
        return process

    def shelfstream(self, *arguments):
        return subprocess.run(
            self.launcher + list(arguments), env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
            capture_output=True, text=True, timeout=PATIENCE)

    def settings(self, **more):
        values = {
            "kafka.bootstrap.servers": self.broker,
            "schema.registry.url": self.registry.url,
            "state.dir": str(self.work / "state"),
            "models.dir": str(self.root / "topology/src/test/resources/models/colour"),
            "models.threads": "1",
            "images.allowed.roots": str(self.work),
            "retries.wait.ms": "200",
            "topics.recognitions.json": JSON,
            "topics.recognitions.epcis": EPCIS,
            # Shorter than the outage below: the waiting thread loses its work and must take it up again.
            "kafka.main.consumer.max.poll.interval.ms": "5000",
            "kafka.producer.transaction.timeout.ms": "4000",
        }
        values.update({k.replace("_", "."): v for k, v in more.items()})
        return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]

    def consumer(self, topic):
        consumer = Consumer({
            "bootstrap.servers": self.broker, "group.id": f"interop-{time.time()}", "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "isolation.level": "read_committed"})
        consumer.assign([TopicPartition(topic, 0, 0)])
        return consumer

    def records(self, topic, count, patience=PATIENCE):
        """The first records of a topic: as many as wanted, or as came until none came for a while (patience, s)."""
        consumer, found, last = self.consumer(topic), [], time.time()
        while len(found) < count and time.time() < last + patience:
            more = [m for m in consumer.consume(500, 0.5) if not m.error()]
            last = time.time() if more else last
            found += more
        consumer.close()
        return found

    def read(self, message):
        return self.deserialize(message.value(), SerializationContext(message.topic(), MessageField.VALUE))

    def serializer(self, topic, schema=None):
        client = SchemaRegistryClient({"url": self.registry.url})
        if schema is None:
            return AvroSerializer(
                client, client.get_latest_version(topic + "-value").schema,
                conf={"auto.register.schemas": False, "use.latest.version": True})
        return AvroSerializer(client, schema)

    def frame(self, frame_id, **more):
        return {"frameId": frame_id, "cameraId": "c1", "uri": self.image.as_uri(), "capturedAt": 1790000000000, **more}

    def example(self, *command, cwd=None):
        done = subprocess.run(list(command), capture_output=True, text=True, timeout=PATIENCE, cwd=cwd)
        return done.returncode, (done.stdout + done.stderr).strip()

    # --- the checks ---

    def set_up(self):
        broker = self.start("broker", "--data", str(self.work / "broker"))
        self.broker = broker.child.stdout.readline().strip()
        if not self.broker:
            raise SystemExit("the broker does not start:\n" + "\n".join(broker.log[-20:]))
        self.service = self.start("run", *self.settings())
        self.service.wait_for("Waiting for the schema registry")
        self.registry.start()
        self.registry.require_compatibility()
        self.service.wait_for("The service is ready")
        self.checks.note("the service waits for a registry that starts later, and says so", True)
        self.client = SchemaRegistryClient({"url": self.registry.url})
        self.deserialize = AvroDeserializer(self.client)
        subjects = sorted(self.client.get_subjects())
        self.checks.note("its schemas are registered, inputs included", {
            t + "-value" for t in (FRAMES, EVENTS, "shelf.gallery.updates", "shelf.gallery.vectors",
                                   "shelf.gallery.status")} <= set(subjects), ", ".join(subjects))
        texts = [self.client.get_latest_version(s).schema.schema_str for s in subjects]
        self.checks.note("without Java-only properties", not any("avro.java" in text for text in texts))

    def gallery(self):
        """One product, from the left half of the picture."""
        update = {
            "galleryImageId": "pen-1", "productId": "pen", "label": "Pen", "gtin": "4006381333931",
            "uri": self.image.as_uri(), "crop": {"x1": 0, "y1": 0, "x2": 32, "y2": 64}}
        context = SerializationContext(UPDATES, MessageField.VALUE)
        producer = Producer({"bootstrap.servers": self.broker})
        producer.produce(UPDATES, key="pen-1", value=self.serializer(UPDATES)(update, context))
        producer.flush(PATIENCE)
        statuses = [self.read(m) for m in self.records(STATUS, 2)]
        self.checks.note(
            "Python writes a GalleryUpdate and reads its GalleryStatus",
            [s["outcome"] for s in statuses] == ["APPLIED", "SEARCHABLE"], statuses[0]["message"] if statuses else "")
        time.sleep(3)  # until the instance follows

    def other_forms(self, event):
        """The same event without Avro."""
        expected = self.read(event)["eventId"]
        as_json = json.loads(self.records(JSON, 1)[0].value())
        self.checks.note(
            "the same event as JSON", as_json["eventId"] == expected and as_json["objects"][0]["label"] == "Pen")
        observed = json.loads(self.records(EPCIS, 1)[0].value())["epcisBody"]["eventList"][0]
        self.checks.note(
            "and as an EPCIS observation",
            observed["eventID"] == "urn:uuid:" + expected
            and observed["quantityList"] == [{"epcClass": "https://id.gs1.org/01/04006381333931", "quantity": 1}],
            observed["quantityList"])

    def python(self):
        examples = self.root / "docs/examples"
        code, text = self.example(
            sys.executable, str(examples / "publish_frame.py"), self.broker, self.registry.url, "c1", "py-1",
            self.image.as_uri())
        self.checks.note("Python writes an ImageReference (docs/examples/publish_frame.py)", code == 0, text)
        code, text = self.example(
            sys.executable, str(examples / "read_recognitions.py"), self.broker, self.registry.url, "1")
        self.checks.note(
            "Python reads its RecognitionEvent (docs/examples/read_recognitions.py)",
            code == 0 and "c1 py-1" in text and "'Pen'" in text, text)
        done = self.shelfstream("publish", "--camera", "c1", *self.settings(), str(self.image))
        frames = self.records(FRAMES, 2)
        written = self.read(frames[-1]) if len(frames) == 2 else {}
        self.checks.note(
            "Python reads an ImageReference of ours", done.returncode == 0 and written.get("uri") == self.image.as_uri(),
            written.get("frameId") or done.stderr.strip())
        events = self.records(EVENTS, 2)
        self.same_bytes("Python", [*frames, *events])
        return events

    def same_bytes(self, who, messages):
        different = []
        serializers = {topic: self.serializer(topic) for topic in {m.topic() for m in messages}}
        for message in messages:
            context = SerializationContext(message.topic(), MessageField.VALUE)
            value = serializers[message.topic()](self.read(message), context)
            if value != message.value():
                different.append(f"{value.hex()} {message.value().hex()}")
        self.checks.note(
            f"the same record has the same bytes from {who} and from us", messages and not different,
            different[0] if different else f"{len(messages)} records")

    def headers(self, event):
        headers = {name: value.decode() for name, value in event.headers()}
        self.checks.note(
            "events carry CloudEvents headers and a trace",
            headers.get("ce_specversion") == "1.0" and headers.get("ce_id") == self.read(event)["eventId"]
            and headers.get("traceparent", "").startswith("00-"), headers.get("ce_type"))

    def rewritten_events(self, who, topic, write):
        """Another client writes RecognitionEvents to a topic that `watch` then reads."""
        settings = self.settings(topics_recognitions=topic)
        made = self.shelfstream("topics", "--partitions", "1", *settings[:settings.index("--set", 2)],
                                "--set", f"topics.recognitions={topic}")
        write(topic)
        seen = self.shelfstream("watch", "--json", "--from-beginning", "-n", "1", *settings)
        self.checks.note(
            f"we read a RecognitionEvent that {who} wrote",
            made.returncode == 0 and seen.returncode == 0 and '"eventId"' in seen.stdout,
            (seen.stdout + seen.stderr).strip()[:120])

    def python_rewrites(self, events):
        def write(topic):
            serialize = self.serializer(EVENTS)
            producer = Producer({"bootstrap.servers": self.broker})
            for event in events:
                context = SerializationContext(EVENTS, MessageField.VALUE)
                producer.produce(topic, key=event.key(), value=serialize(self.read(event), context))
            producer.flush(PATIENCE)

        self.rewritten_events("Python", "interop.python", write)

    def javascript(self, events):
        folder = Path(self.options.node)
        for script in (*(self.root / "docs/examples").glob("*.mjs"),
                       self.root / "deploy/bench.d/interop.d/rewrite.mjs"):
            shutil.copy(script, folder)
        code, text = self.example(
            "node", "publish_frame.mjs", self.broker, self.registry.url, "c1", "js-1", self.image.as_uri(), cwd=folder)
        self.checks.note("JavaScript writes an ImageReference (docs/examples/publish_frame.mjs)", code == 0, text)
        count = len(events) + 1
        code, text = self.example(
            "node", "read_recognitions.mjs", self.broker, self.registry.url, str(count), cwd=folder)
        self.checks.note(
            "JavaScript reads its RecognitionEvent (docs/examples/read_recognitions.mjs)",
            code == 0 and "c1 js-1" in text, text.splitlines()[-1] if text else "")
        outputs = []

        def write(topic):
            outputs.append(self.example(
                "node", "rewrite.mjs", self.broker, self.registry.url, EVENTS, str(count), topic, cwd=folder))

        self.rewritten_events("JavaScript", "interop.javascript", write)
        code, text = self.example(
            "node", "rewrite.mjs", self.broker, self.registry.url, FRAMES, str(count), cwd=folder)
        lines = outputs[0][1].splitlines() + text.splitlines()
        same = [line for line in lines if line == "same"]
        self.checks.note(
            "the same record has the same bytes from JavaScript and from us",
            code == 0 and len(same) == len(lines) == 2 * count, f"{len(same)} records")

    def newer_schema(self, added):
        """Our ImageReference as a later version would have it."""
        schema = json.loads(self.client.get_latest_version(FRAMES + "-value").schema.schema_str)
        schema["fields"].append(added)
        return Schema(json.dumps(schema), "AVRO")

    def evolution(self):
        newer = self.newer_schema(
            {"name": "lens", "type": ["null", "string"], "default": None, "doc": "of a later version"})
        before = len(self.records(EVENTS, 1_000_000, 3))
        serialize = self.serializer(FRAMES, newer)
        producer = Producer({"bootstrap.servers": self.broker})
        producer.produce(FRAMES, key="c1", value=serialize(
            self.frame("newer", lens="wide"), SerializationContext(FRAMES, MessageField.VALUE)))
        producer.flush(PATIENCE)
        events = self.records(EVENTS, before + 1)
        self.checks.note(
            "a compatible newer writer is read",
            len(events) == before + 1 and self.read(events[-1])["frameId"] == "newer")

        try:
            self.client.register_schema(FRAMES + "-value", self.newer_schema({"name": "must", "type": "int"}))
            refused = "accepted"
        except SchemaRegistryError as e:
            refused = f"HTTP {e.http_status_code}"
        self.checks.note("the registry refuses an incompatible schema", refused == "HTTP 409", refused)

    def conflict(self):
        """Our own schema does not fit the subject of a topic that somebody else uses."""
        event = json.loads(self.client.get_latest_version(EVENTS + "-value").schema.schema_str)
        next(f for f in event["fields"] if f["name"] == "frameId")["type"] = "int"
        self.client.register_schema("interop.other-value", Schema(json.dumps(event), "AVRO"))
        done = self.shelfstream(
            "run", *self.settings(topics_recognitions="interop.other", application_id="interop-other"))
        self.checks.note(
            "the service's error names the subject and the field",
            done.returncode == 1 and "interop.other-value" in done.stderr and "field frameId" in done.stderr,
            done.stderr.strip().splitlines()[-1][:300] if done.stderr.strip() else done.returncode)

    def outage(self, count):
        """The registry dies while frames pass, some of a schema that the service has not seen before."""
        before = len(self.records(EVENTS, 1_000_000, 3))
        known = self.serializer(FRAMES)
        unseen = self.serializer(FRAMES, self.newer_schema(
            {"name": "exposure", "type": ["null", "int"], "default": None, "doc": "of a version still later"}))
        context = SerializationContext(FRAMES, MessageField.VALUE)
        values = [
            (unseen if i >= count // 2 and i % 10 == 0 else known)(self.frame(f"outage-{i}"), context)
            for i in range(count)]
        producer = Producer({"bootstrap.servers": self.broker, "linger.ms": 5, "queue.buffering.max.messages": count})
        started = time.time()
        for i, value in enumerate(values):
            producer.produce(FRAMES, key="c1", value=value)
            if i == count // 4:
                producer.flush(PATIENCE)
                self.registry.kill()
                killed = time.time()
        producer.flush(PATIENCE)
        waiting = len([line for line in self.service.log if "Waiting for the schema registry" in line])
        self.wait_until(
            lambda: len([x for x in self.service.log if "aiting for the schema registry" in x]) > waiting)
        stalled = len(self.records(EVENTS, 1_000_000, 3)) - before
        time.sleep(12)  # longer than Kafka lets a thread wait, see settings
        self.registry.start()
        away = time.time() - killed
        events = [self.read(m) for m in self.records(EVENTS, before + count, 60)][before:]
        took = time.time() - started
        extra = len(self.records(EVENTS, 1_000_000, 5)) - before - len(events)
        ids = [e["frameId"] for e in events]
        self.checks.note(
            f"registry killed while {count} frames pass, back after {away:.0f} s: each answered once and in order",
            extra == 0 and ids == [f"outage-{i}" for i in range(count)],
            f"{len(ids)} answers, {len(set(ids))} different, {extra} too many, {took:.0f} s; "
            f"{stalled} were answered before the first frame had to wait")
        dead = self.records(DEAD, 1, 5)
        self.checks.note("nothing is dead-lettered", not dead, dead[0].headers() if dead else "")

    def wait_until(self, holds):
        deadline = time.time() + PATIENCE
        while not holds() and time.time() < deadline:
            time.sleep(0.2)

    def everything(self):
        self.set_up()
        self.gallery()
        events = self.python()
        self.headers(events[0])
        self.other_forms(events[0])
        self.python_rewrites(events)
        if not self.options.python_only:
            self.javascript(events)
        self.evolution()
        if not self.options.python_only:
            self.conflict()
        if self.options.frames:
            self.outage(self.options.frames)
        self.service.stop()
        self.checks.note("the service ends with 0", self.service.child.returncode == 0, self.service.child.returncode)

    def stop(self):
        for process in reversed(self.processes):
            process.stop()
        self.registry.kill()


def main():
    parser = argparse.ArgumentParser(prog="deploy/bench interop", description=__doc__)
    parser.add_argument("--root", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--registry", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--node", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--java-arguments", help="a JVM argument file to start the program with (default: deploy/shelfstream)")
    parser.add_argument("--python-only", action="store_true", help="without the JavaScript client")
    parser.add_argument("--quick", action="store_true", help="1,000 frames instead of 10,000 through the outage")
    parser.add_argument("--frames", type=int, help="frames through the outage; 0 leaves it out")
    options = parser.parse_args()
    if options.frames is None:
        options.frames = 1_000 if options.quick else 10_000
    work = Path(tempfile.mkdtemp(prefix="shelfstream-interop-"))
    run = Run(options, work)
    started = time.time()
    try:
        run.everything()
    finally:
        run.stop()
        shutil.rmtree(work, ignore_errors=True)
    failed = [c for c in run.checks.results if not c["passed"]]
    report = Path(options.root) / "target/bench/interop.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(json.dumps(
        {"seconds": round(time.time() - started, 1), "checks": run.checks.results}, indent=2) + "\n")
    print(f"{len(run.checks.results) - len(failed)} of {len(run.checks.results)} checks passed, {report}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
