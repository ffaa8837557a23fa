"""A process that is asked for one thing at a time: a line to its stdin, a line back from its stdout."""
import subprocess, tempfile


class Contestant:
    def __init__(self, name, command):
        self.name = name
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, text=True, bufsize=1, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)

    def answer(self, request):
        """The line that answers; where none comes, the end of what the process said on stderr."""
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
