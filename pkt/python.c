/* SPDX-License-Identifier: MIT */
/* The Python that runs the code of scripts: programs go in by one pipe, answers come by another. */
#include "pkt/python.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS_FD 3 /* of the child */
#define ANSWERS_FD 4

/* Pieces are compiled as if the lines before them were there: Python then names the script's
 * lines. What a piece leaves behind (variables) the next one of the same program sees. */
static const char server[] =
    "import os, struct, sys\n"
    "class Failed(BaseException): pass\n"
    "class Done(BaseException): pass\n"
    "def read(count):\n"
    "    data = b''\n"
    "    while len(data) < count:\n"
    "        piece = os.read(3, count - len(data))\n"
    "        if not piece: os._exit(0)\n"
    "        data += piece\n"
    "    return data\n"
    "def compiled(path, line, text):\n"
    "    blank = '\\n' * (line - 1)\n"
    "    try:\n"
    "        return compile(blank + text, path, 'exec')\n"
    "    except IndentationError:\n"
    "        import textwrap\n"
    "        first, _, rest = text.partition('\\n')\n"
    "        return compile(blank + first + '\\n' + textwrap.dedent(rest), path, 'exec')\n"
    "def runner():\n"
    "    space = {'__name__': '__main__'}\n"
    "    def block(path, line, text, **names):\n"
    "        space.update(names)\n"
    "        try:\n"
    "            exec(compiled(path, line, text), space)\n"
    "        except SyntaxError as error:\n"
    "            raise Failed('%d: SyntaxError: %s' % (error.lineno or line, error.msg))\n"
    "        except BaseException as error:\n"
    "            if isinstance(error, SystemExit) and not error.code: raise Done()\n"
    "            at = error.__traceback__\n"
    "            while at:\n"
    "                if at.tb_frame.f_code.co_filename == path: line = at.tb_lineno\n"
    "                at = at.tb_next\n"
    "            raise Failed('%d: %s: %s' % (line, type(error).__name__, error))\n"
    "    return block\n"
    "while True:\n"
    "    program = read(struct.unpack('=Q', read(8))[0])\n"
    "    said = ''\n"
    "    try:\n"
    "        exec(compile(program, 'hawser', 'exec'), {'block': runner()})\n"
    "    except Done: pass\n"
    "    except BaseException as error:\n"
    "        said = str(error) if isinstance(error, Failed) else '0: %r' % error\n"
    "    try: sys.stdout.flush()\n"
    "    except OSError: pass\n"
    "    said = said.encode(errors='replace')[:2000]\n"
    "    os.write(4, struct.pack('=Q', len(said)) + said)\n";

static void become_python(const char *command, int programs, int answers)
{
    sigset_t none;
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    /* Out of the way of the numbers they are to have. */
    programs = fcntl(programs, F_DUPFD_CLOEXEC, 10);
    answers = fcntl(answers, F_DUPFD_CLOEXEC, 10);
    dup2(nothing, STDIN_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO); /* standard output is for results */
    dup2(programs, PROGRAMS_FD);
    dup2(answers, ANSWERS_FD);
    execlp(command, command, "-S", "-c", server, (char *)NULL);
    _exit(127);
}

static int start(struct pkt_python *python, const char *command)
{
    int programs[2], answers[2];
    if (strlen(command) >= sizeof python->command || pipe2(programs, O_CLOEXEC) != 0)
        return -1;
    if (pipe2(answers, O_CLOEXEC) != 0) {
        close(programs[0]);
        close(programs[1]);
        return -1;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become_python(command, programs[0], answers[1]);
    close(programs[0]);
    close(answers[1]);
    if (pid < 0) {
        close(programs[1]);
        close(answers[0]);
        return -1;
    }
    *python = (struct pkt_python){.pid = pid, .programs = programs[1], .answers = answers[0]};
    memcpy(python->command, command, strlen(command) + 1);
    return 0;
}

void pkt_python_stop(struct pkt_python *python)
{
    if (python->pid <= 0)
        return;
    close(python->programs);
    close(python->answers);
    while (waitpid(python->pid, NULL, 0) < 0 && errno == EINTR) {
    }
    python->pid = 0;
}

static int give(int fd, const void *data, size_t size)
{
    for (const char *at = data; size > 0;) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno != EINTR)
            return -1;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int take(int fd, void *data, size_t size)
{
    for (char *at = data; size > 0;) {
        ssize_t n = read(fd, at, size);
        if (n == 0 || (n < 0 && errno != EINTR))
            return -1;
        at += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* A Python that is gone must not take us with it. */
static int converse(struct pkt_python *python, const char *program, size_t length, char *said)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    uint64_t size = length;
    sigaction(SIGPIPE, &ignore, &before);
    int status = give(python->programs, &size, sizeof size);
    if (status == 0)
        status = give(python->programs, program, length);
    sigaction(SIGPIPE, &before, NULL);
    if (status == 0)
        status = take(python->answers, &size, sizeof size);
    if (status != 0 || size >= PKT_PYTHON_SAID_MAX || take(python->answers, said, size) != 0)
        return -1;
    said[size] = 0;
    return size == 0 ? 0 : 1;
}

int pkt_python_run(struct pkt_python *python, const char *command, const char *program,
                   size_t length, char said[PKT_PYTHON_SAID_MAX])
{
    if (python->pid > 0 && strcmp(python->command, command) != 0)
        pkt_python_stop(python);
    if (python->pid <= 0 && start(python, command) != 0) {
        snprintf(said, PKT_PYTHON_SAID_MAX, "0: %s cannot be started", command);
        return 1;
    }
    int status = converse(python, program, length, said);
    if (status < 0) { /* it ended, or never began */
        snprintf(said, PKT_PYTHON_SAID_MAX, "0: %s ended before the code did", command);
        pkt_python_stop(python);
        return 1;
    }
    return status;
}
