// SPDX-License-Identifier: MPL-2.0

package foreign

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// CloudInit is the cloud-init of a Debian release.
type CloudInit struct{ program *Program }

// schemaProgram calls `cloud-init schema` for each question in one process, which
// reads the schema once.
const schemaProgram = `
import contextlib, functools, io, os, sys, tempfile
sys.path.insert(0, DIR)
from cloudinit import version
from cloudinit.cmd import main
from cloudinit.config import schema

schema.get_schema = functools.lru_cache(None)(schema.get_schema)

def answer(q):
    if not q["text"]:
        return {"version": version.version_string()}
    with tempfile.TemporaryDirectory() as dir:
        document, said, status = os.path.join(dir, "document"), io.StringIO(), 0
        with open(document, "wb") as f:
            f.write(q["text"].encode())
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                sys.argv = ["cloud-init", "schema", "--config-file", document] + q["arguments"]
                schema.handle_schema_args("schema", schema.get_parser().parse_args(sys.argv[2:]))
            except SystemExit as e:
                status = e.code
                if isinstance(status, str):
                    print(status)
        return {"valid": not status, "said": said.getvalue().replace(document, "document")}
`

// NewCloudInit is the cloud-init of bookworm (22.4) or trixie (25.1), as
// .ci/cloud-init fetches them. Nil, which is said, if they are not to be had.
func NewCloudInit(tb testing.TB, release string) *CloudInit {
	tb.Helper()
	dir := CloudInitDir(tb)
	if dir == "" {
		return nil
	}
	p := Python(tb, "DIR = "+strconv.Quote(filepath.Join(dir, release, "usr/lib/python3/dist-packages"))+schemaProgram)
	if p == nil {
		return nil
	}
	return &CloudInit{p}
}

// CloudInitTree is the directory in which the cloud-init of bookworm or trixie lies
// unpacked, as .ci/cloud-init fetches it. Empty, which is said, if it is not to be had.
func CloudInitTree(tb testing.TB, release string) string {
	tb.Helper()
	if dir := CloudInitDir(tb); dir != "" {
		return filepath.Join(dir, release)
	}
	return ""
}

// CloudInitDir is the directory in which .ci/cloud-init has them unpacked; it may
// fetch them. Empty, which is said, if they are not to be had.
func CloudInitDir(tb testing.TB) string {
	tb.Helper()
	return cached(tb, ".ci/cloud-init")
}

// Version is what it calls itself, such as 25.1.4.
func (c *CloudInit) Version(tb testing.TB) string {
	tb.Helper()
	var answer struct{ Version string }
	if !c.program.Ask(tb, map[string]string{"text": ""}, &answer) {
		tb.Fatal("cloud-init does not answer")
	}
	return answer.Version
}

// Schema has `cloud-init schema` judge a document. More arguments, such as
// "--schema-type", "network-config", follow those for the file.
func (c *CloudInit) Schema(tb testing.TB, text string, arguments ...string) (valid bool, said string) {
	tb.Helper()
	var verdict struct {
		Valid bool
		Said  string
	}
	question := map[string]any{"text": text, "arguments": append([]string{}, arguments...)}
	if !c.program.Ask(tb, question, &verdict) {
		tb.Fatal("cloud-init does not answer")
	}
	return verdict.Valid, strings.TrimSpace(verdict.Said)
}
