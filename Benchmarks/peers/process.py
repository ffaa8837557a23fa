"""A process that handles one request at a time: a line on stdin, a line of reply on stdout."""
import subprocess, tempfile


class Contestant:
    def __init__(self, name, command):
        self.name = name
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)

    def answer(self, request):
        """Sends a request and returns the reply line; if there is none, fails with the end of the process's stderr."""
        try:
            self.process.stdin.write(request + "\n")
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self.log.seek(0)
            raise SystemExit(f"{self.name} ended at \"{request}\":\n{self.log.read()[-3000:]}")
        return answer

    def end(self):
        self.process.stdin.close()
        self.process.wait()
