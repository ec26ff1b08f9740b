# SPDX-License-Identifier: MIT
"""An interop test that is interrupted, terminated or killed leaves no process and no device, and no file if it can."""

import uuid

from kit import *
from toolkit import marked_processes


class Ending(unittest.TestCase):
    def begin(self, directory, mark):
        """A test that takes seconds, once its driver runs."""
        script = subprocess.Popen([sys.executable, "-B", Path(__file__).with_name("test_keepalive.py"),
                                   "KeepAlive.test_kernel_answers"], stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True,
                                  env=dict(os.environ, HAWSER_TEST_MARK=mark, TMPDIR=directory))
        self.addCleanup(script.kill)
        deadline = time.monotonic() + PATIENCE
        while not any("driver" in name_of(process) for process in marked_processes(mark)):
            self.assertLess(time.monotonic(), deadline, "the driver never ran")
            self.assertIsNone(script.poll(), "the test ended early")
            time.sleep(0.05)
        return script

    def test_signals(self):
        for number, everybody in ((signal.SIGINT, True), (signal.SIGINT, False), (signal.SIGTERM, False),
                                  (signal.SIGTERM, True), (signal.SIGKILL, True)):
            with self.subTest(signal=number, group=everybody), tempfile.TemporaryDirectory() as directory:
                mark = uuid.uuid4().hex
                script = self.begin(directory, mark)
                (os.killpg if everybody else os.kill)(script.pid, number)
                self.assertNotEqual(script.wait(PATIENCE), 0)
                deadline = time.monotonic() + PATIENCE
                while (left := marked_processes(mark)) and time.monotonic() < deadline:
                    time.sleep(0.05)
                self.assertEqual([name_of(process) for process in left], [])
                self.assertNotIn("hawser0", os.listdir("/sys/class/net"))
                if number != signal.SIGKILL:
                    self.assertEqual(os.listdir(directory), [])


def name_of(process):
    try:
        return Path(f"/proc/{process}/comm").read_text(encoding="utf-8").strip()
    except OSError:
        return ""


if __name__ == "__main__":
    # What main() would look for, but outside of the namespaces.
    need("ip", "tshark", "unshare")
    os.environ.pop("HAWSER_INTEROP_KEEP", None)
    probe = subprocess.run([sys.executable, "-B", Path(__file__).with_name("test_keepalive.py"), "KeepAlive.nothing"],
                           capture_output=True, text=True, check=False)
    if probe.returncode == 77:
        print(probe.stdout)
        sys.exit(77)
    program = unittest.main(exit=False, verbosity=2)
    sys.exit(0 if program.result.wasSuccessful() else 1)
