// SPDX-License-Identifier: MPL-2.0

// Package foreign has foreign programs say, in tests, what is right: one program
// runs as long as its test and answers question after question, which is quick
// enough for fuzzing.
package foreign

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/command"
)

// Program is a running program. A nil one knows nothing.
type Program struct {
	ask    io.Writer
	answer *bufio.Reader
	end    byte
	stop   func()
}

// patience is how long a single answer may take, on a machine that is busy.
const patience = 3 * time.Minute

// Python starts a Python program of which each line defines what the function
// answer needs; answer takes a question and returns the answer, both anything
// that JSON can say. Without python3, or a module that the program imports, the
// result is nil.
func Python(tb testing.TB, program string) *Program {
	tb.Helper()
	p := start(tb, '\n', "python3", "-uc", program+`
import json, sys
print('"ready"')
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
`)
	if ready, err := p.read(); err != nil || string(ready) != `"ready"` {
		tb.Logf("no answers from Python: %v", err)
		return nil
	}
	return p
}

// Bash starts a bash program in which the function answer prints the answer to
// its argument. It has builtin commands only. Neither may hold a NUL.
func Bash(tb testing.TB, program string) *Program {
	tb.Helper()
	p := start(tb, 0, "bash", "-fc", "PATH=/nowhere\n"+program+`
printf 'ready\0'
while IFS= read -r -d '' question; do
    answer "$question" </dev/null
    printf '\0'
done`)
	if ready, err := p.read(); err != nil || string(ready) != "ready" {
		tb.Logf("no answers from bash: %v", err)
		return nil
	}
	return p
}

func start(tb testing.TB, end byte, path string, args ...string) *Program {
	keepOwn()
	questions, ask := io.Pipe()
	answers, say := io.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err := command.Host{}.Run(ctx, command.Command{
			Path: path, Args: args, Env: []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "PYTHONUTF8=1"}, Stdin: questions, Stdout: say,
		})
		if err == nil {
			err = errors.New("the program ended")
		}
		_ = say.CloseWithError(err) // never fails
		_ = questions.CloseWithError(err)
	}()
	tb.Cleanup(func() {
		stop()
		_ = ask.Close() // never fails
		<-ended
	})
	return &Program{ask: ask, answer: bufio.NewReader(answers), end: end, stop: stop}
}

func (p *Program) read() ([]byte, error) {
	text, err := p.answer.ReadBytes(p.end)
	return bytes.TrimSuffix(text, []byte{p.end}), err
}

// Ask asks a Python program and reports whether there is an answer.
func (p *Program) Ask(tb testing.TB, question, answer any) bool {
	tb.Helper()
	if p == nil {
		return false
	}
	line, err := json.Marshal(question)
	if err != nil {
		tb.Fatal(err)
	}
	line = p.put(tb, line)
	if err := json.Unmarshal(line, answer); err != nil {
		tb.Fatalf("the answer %q: %v", line, err)
	}
	return true
}

// AskText asks a bash program and reports whether there is an answer.
func (p *Program) AskText(tb testing.TB, question string) (string, bool) {
	tb.Helper()
	if p == nil {
		return "", false
	}
	return string(p.put(tb, []byte(question))), true
}

func (p *Program) put(tb testing.TB, question []byte) []byte {
	tb.Helper()
	defer time.AfterFunc(patience, p.stop).Stop()
	if _, err := p.ask.Write(append(question, p.end)); err != nil {
		tb.Fatalf("asking %q: %v", question, err)
	}
	text, err := p.read()
	if err != nil {
		tb.Fatalf("asked %q: %v", question, err)
	}
	return text
}
