"""Recognises pictures over one gRPC stream: recognize_stream.py HOST:PORT FILE..."""

import pathlib
import sys

import grpc
from shelfstream.v1 import recognition_pb2, recognition_pb2_grpc


def requests(paths):
    for path in paths:
        yield recognition_pb2.RecognizeRequest(
            id=path, camera="door", frame=path, image=pathlib.Path(path).read_bytes()
        )


def main(target, *paths):
    with grpc.insecure_channel(target) as channel:
        recognition = recognition_pb2_grpc.RecognitionStub(channel)
        # With a token: metadata=[("authorization", "Bearer TOKEN")] as a second argument.
        for response in recognition.RecognizeStream(requests(paths)):
            if response.HasField("refusal"):
                print(response.id, response.refusal.reason, response.refusal.message)
            else:
                print(response.id, [seen.label for seen in response.event.objects])


if __name__ == "__main__":
    main(*sys.argv[1:])
