# SPDX-License-Identifier: MIT
"""What the other tests rely on: tshark's reading of a capture finds what is wrong with it."""

from kit import *

TCP = 14 + 20  # offset of the TCP header in a frame


def frames_of(path):
    """The file's header, and (header of the frame, bytes) for each frame."""
    data = Path(path).read_bytes()
    frames, at = [], 24
    while at < len(data):
        length, = struct.unpack_from("<I", data, at + 8)
        frames.append((data[at:at + 16], bytearray(data[at + 16:at + 16 + length])))
        at += 16 + length
    return data[:24], frames


class Judge(Case):
    def setUp(self):
        super().setUp()
        puppet = self.puppet()
        kernel, ident = self.pair(puppet, 4, SERVER, read=True, at_end="close")
        puppet.send(ident, text="a hundred bytes " * 7)
        read_all(kernel, 112)
        kernel.close()
        puppet.wait("end", ident)
        puppet.end()
        self.capture_path = os.path.join(self.directory, f"{self.id().split('.', 1)[1]}-1.pcap")
        self.assertEqual(judge(self.capture_path, ()), [])

    def damaged(self, damage):
        """What is found once damage(frame) has changed the frame with Hawser's data."""
        head, frames = frames_of(self.capture_path)
        frame = next(frame for _, frame in frames if b"a hundred bytes" in frame)
        damage(frame)
        path = os.path.join(self.directory, "damaged.pcap")
        Path(path).write_bytes(head + b"".join(before + bytes(frame) for before, frame in frames))
        return judge(path, ())

    def test_checksums(self):
        def data(frame):
            frame[-1] ^= 1

        def header(frame):
            frame[14 + 8] ^= 1  # the TTL

        for damage in (data, header):
            with self.subTest(damage.__name__):
                self.assertRegex(" ".join(self.damaged(damage)), "checksum")

    def test_malformed(self):
        def options(frame):
            frame[TCP + 20:TCP + 22] = bytes([8, 200])

        self.assertTrue(self.damaged(options))

    def test_warnings(self):
        def reset(frame):
            frame[TCP + 13] |= 4

        self.assertRegex(" ".join(self.damaged(reset)), re.escape(RESET))

        def gap(frame):
            frame[TCP + 7] ^= 0x40

        self.assertTrue(self.damaged(gap))


if __name__ == "__main__":
    main()
