// SPDX-License-Identifier: MPL-2.0

//go:build linux

package sandbox

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// roleVariable carries a message from one of our processes to the next. It is
// removed from the environment before anything else runs.
const roleVariable = "_DISKIMAGE_SANDBOX_ROLE"

type role string

const (
	roleInit   role = "init"
	roleEngine role = "engine"
)

// message is what a process of ours is told at its start.
type message struct {
	Role role `json:"role"`
	// Runtime is the supervisor's directory.
	Runtime string `json:"runtime"`
	// TempDir is the TMPDIR that Packer gave, nil if there was none.
	TempDir *string `json:"tempDir,omitempty"`
}

// session is what the engine knows about where it runs.
type session struct {
	status  Status
	runtime string
	tempDir *string
}

// current is set once, by Enter, before any other code runs.
var current atomic.Pointer[session]

// Enter is called first in main with the arguments after the program's name.
// If they start a builder and this is root, it runs the program again in
// namespaces of its own and returns, when that has ended, handled and the exit
// code to end with. Otherwise, and in the inner engine, it returns handled =
// false and the program goes on as usual; so it does where the kernel refuses
// namespaces, and Current then says why.
func Enter(args []string) (exitCode int, handled bool) {
	m, inside := takeMessage()
	if !startsBuilder(args) {
		return 0, false
	}
	switch {
	case inside && m.Role == roleInit:
		return runInit(m), true
	case inside && m.Role == roleEngine:
		becomeEngine(m)
		return 0, false
	}
	code, err := supervise()
	if err != nil {
		becomeUnisolated(err)
		return 0, false
	}
	return code, true
}

// startsBuilder reports whether the arguments (after the program's name) are
// those with which Packer starts a builder; --protobuf may stand anywhere.
func startsBuilder(args []string) bool {
	var words []string
	for _, a := range args {
		if a != "--protobuf" {
			words = append(words, a)
		}
	}
	return len(words) == 3 && words[0] == "start" && words[1] == "builder"
}

// takeMessage reads and removes the role variable.
func takeMessage() (message, bool) {
	text, ok := os.LookupEnv(roleVariable)
	if !ok {
		return message{}, false
	}
	_ = os.Unsetenv(roleVariable) // fails for impossible names only
	var m message
	return m, json.Unmarshal([]byte(text), &m) == nil
}

// environment is this process's environment with a message for the next one,
// and with the given TMPDIR unless that is empty.
func (m message) environment(tempDir string) ([]string, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("telling the next process its role: %w", err)
	}
	env := append(os.Environ(), roleVariable+"="+string(text))
	if tempDir != "" {
		env = slices.DeleteFunc(env, func(e string) bool { return strings.HasPrefix(e, tempDirVariable+"=") })
		env = append(env, tempDirVariable+"="+tempDir)
	}
	return env, nil
}

// Descriptors that are handed on beside standard input, output and error.
const (
	// For init.
	fdLifeline  = 3 // ends when the supervisor does
	fdReady     = 4 // takes "ready", or why not
	fdLock      = 5 // the lock of the runtime directory
	fdHostMount = 6 // the host's mount namespace
	fdHostRoot  = 7 // the host's root directory

	// For the engine.
	fdHostProc = 3 // the host's /proc
)

// standard are the streams that pass through all processes unchanged.
func standard(more ...*os.File) []*os.File {
	return append([]*os.File{os.Stdin, os.Stdout, os.Stderr}, more...)
}

// ignoreSignals makes the signals that a terminal or a service manager sends to
// the whole process group harmless: Packer cancels by RPC. They are caught, not
// ignored, since children inherit the latter. A broken pipe on standard error
// must not end us either. The function returned undoes it.
func ignoreSignals() (undo func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGPIPE)
	// Nobody reads: a full channel drops what comes.
	return func() { signal.Stop(c) }
}

// exitCode is the code with which to pass on how a process ended: 128+n for
// signal n, as shells do.
func exitCode(ws syscall.WaitStatus) int {
	if ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return ws.ExitStatus()
}
