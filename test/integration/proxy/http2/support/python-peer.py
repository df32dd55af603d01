"""Asks a server over cleartext HTTP/2 with hyper-h2, and prints the name of each exchange that went
as it should. An assertion ends it otherwise.

    python3 python-peer.py FOLDER PORT        FOLDER: where pip has put h2
"""

import socket
import sys

sys.path.insert(0, sys.argv[1])

import h2.config
import h2.connection
import h2.events
import h2.settings

STREAMS = 100
LARGE_BYTES = 1024 * 1024
LIMIT_SECONDS = 60
WINDOW = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE


class Answer:
    def __init__(self):
        self.headers = []
        self.trailers = []
        self.body = b""
        self.reset_code = None
        self.ended = False


class Client:
    def __init__(self, port, window_bytes):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=LIMIT_SECONDS)
        config = h2.config.H2Configuration(client_side=True, header_encoding="latin-1")
        self.connection = h2.connection.H2Connection(config)
        settings = h2.settings.Settings(client=True, initial_values={WINDOW: window_bytes})
        self.connection.local_settings = settings
        self.connection.initiate_connection()
        self.answers = {}
        self.pings = []
        self.settings_acks = 0
        self.flush()

    def flush(self):
        self.socket.sendall(self.connection.data_to_send())

    def ask(self, path, fields=(), ends=True):
        method = "POST" if path == "/echo" else "GET"
        stream = self.connection.get_next_available_stream_id()
        line = [(":method", method), (":scheme", "http"), (":authority", "python")]
        self.connection.send_headers(stream, [*line, (":path", path), *fields], end_stream=ends)
        self.answers[stream] = Answer()
        self.flush()
        return stream

    def send(self, stream, body, pad_length=None):
        """Sends the whole body and the end, as the server's windows allow."""
        while body:
            room = self.connection.local_flow_control_window(stream) - 1 - (pad_length or 0)
            size = min(len(body), room, self.connection.max_outbound_frame_size - 256)
            if size <= 0:
                self.read()
                continue
            piece, body = body[:size], body[size:]
            self.connection.send_data(stream, piece, end_stream=not body, pad_length=pad_length)
            self.flush()

    def read(self):
        received = self.socket.recv(65536)
        assert received, "the server has closed the connection"
        for event in self.connection.receive_data(received):
            self.take(event)
        self.flush()

    def take(self, event):
        answer = self.answers.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.ResponseReceived):
            answer.headers = event.headers
        elif isinstance(event, h2.events.DataReceived):
            answer.body += event.data
            if event.flow_controlled_length:
                self.connection.acknowledge_received_data(
                    event.flow_controlled_length, event.stream_id
                )
        elif isinstance(event, h2.events.TrailersReceived):
            answer.trailers = event.headers
        elif isinstance(event, h2.events.StreamEnded):
            answer.ended = True
        elif isinstance(event, h2.events.StreamReset):
            answer.reset_code = event.error_code
        elif isinstance(event, h2.events.PingAckReceived):
            self.pings.append(event.ping_data)
        elif isinstance(event, h2.events.SettingsAcknowledged):
            self.settings_acks += 1
        elif isinstance(event, h2.events.ConnectionTerminated):
            raise AssertionError(f"GOAWAY {event.error_code} {event.additional_data}")

    def answer(self, stream):
        answer = self.answers[stream]
        while not answer.ended and answer.reset_code is None:
            self.read()
        return answer

    def echo(self, body, pad_length=None):
        stream = self.ask("/echo", ends=False)
        self.send(stream, body, pad_length)
        answer = self.answer(stream)
        assert answer.body == body, f"{len(answer.body)} of {len(body)} bytes came back"
        assert answer.trailers == [("x-length", str(len(body)))], answer.trailers


def main(port):
    client = Client(port, 65535)

    # Longer than one frame: a CONTINUATION follows.
    long = "v" * 20_000
    answer = client.answer(client.ask("/headers", [("x-ask", long)]))
    assert (":status", "204") in answer.headers and ("x-answer", long) in answer.headers
    print("headers")

    client.echo(bytes(range(256)) * (LARGE_BYTES // 256))
    print("1 MiB and trailer")

    client.echo(b"padded " * 5000, pad_length=255)
    print("padding")

    assert client.answer(client.ask("/reset")).reset_code == 2
    print("reset")

    streams = [client.ask("/echo", ends=False) for _ in range(STREAMS)]
    for stream in reversed(streams):
        client.send(stream, b"body of %d" % stream)
    for stream in streams:
        assert client.answer(stream).body == b"body of %d" % stream
    print(f"{STREAMS} streams")

    cancelled = client.ask("/echo", ends=False)
    client.connection.reset_stream(cancelled, 8)
    client.echo(b"after a cancelled one")
    print("cancel")

    client.connection.ping(b"12345678")
    client.flush()
    while client.pings != [b"12345678"]:
        client.read()
    print("ping")

    # Each byte has to wait for a WINDOW_UPDATE, until SETTINGS open the window in mid-flight.
    narrow = Client(port, 1)
    narrow.echo(b"one byte at a time")
    stream = narrow.ask("/echo", ends=False)
    narrow.send(stream, b"x" * 30_000)
    narrow.connection.update_settings({WINDOW: 65535})
    narrow.flush()
    assert len(narrow.answer(stream).body) == 30_000
    assert narrow.settings_acks == 2
    print("window of one byte, opened in mid-flight")


main(int(sys.argv[2]))
