// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// kind is a sort of user-data, named by its MIME type as cloud-init does.
type kind string

const (
	cloudConfig  kind = "text/cloud-config"
	archive      kind = "text/cloud-config-archive"
	jsonPatch    kind = "text/cloud-config-jsonp"
	bootHook     kind = "text/cloud-boothook"
	script       kind = "text/x-shellscript"
	partHandler  kind = "text/part-handler"
	include      kind = "text/x-include-url"
	includeOnce  kind = "text/x-include-once-url"
	jinja        kind = "text/jinja2"
	mimeMessage  kind = "multipart"
	unrecognised kind = ""
)

const jinjaHeader = "## template: jinja"

// headers are the first lines by which cloud-init knows user-data, the longer
// before their own beginnings.
var headers = []struct {
	text string
	kind kind
}{
	{"#cloud-config-archive", archive},
	{"#cloud-config-jsonp", jsonPatch},
	{"#cloud-boothook", bootHook},
	{"#include-once", includeOnce},
	{"#cloud-config", cloudConfig},
	{"#part-handler", partHandler},
	{"#include", include},
	{jinjaHeader, jinja},
}

// headerKind is the kind that a first line stands for. Case does not matter to
// cloud-init.
func headerKind(line string) kind {
	line = strings.ToLower(line)
	if strings.HasPrefix(line, "#!") {
		return script
	}
	for _, h := range headers {
		if rest, ok := strings.CutPrefix(line, h.text); ok && !startsWord(rest) {
			return h.kind
		}
	}
	return unrecognised
}

// startsWord tells "#cloud-configs" from "#cloud-config # mine".
func startsWord(rest string) bool {
	return rest != "" && strings.ContainsAny(rest[:1], "abcdefghijklmnopqrstuvwxyz0123456789_-")
}

var (
	mailHeader = regexp.MustCompile(`^(From |[!-9;-~]+:)`)
	typeHeader = regexp.MustCompile(`(?i)^(content-type|mime-version)\s*:`)
)

// classify says what a whole text is.
func classify(text string) kind {
	first := firstLine(text)
	if k := headerKind(first); k != unrecognised {
		return k
	}
	// cloud-init looks for this word anywhere in the first 4 KiB.
	declared := strings.Contains(strings.ToLower(text[:min(len(text), 4096)]), "mime-version:")
	if typeHeader.MatchString(first) || declared && mailHeader.MatchString(first) {
		return mimeMessage
	}
	return unrecognised
}

const headerAdvice = "begin with #cloud-config, #!, #cloud-boothook, #include, #part-handler, #cloud-config-archive, #cloud-config-jsonp, `## template: jinja` or a MIME header; if it is not for cloud-init, set raw"

// noHeader explains why cloud-init would pass over the text: it only logs
// "unhandled non-multipart userdata" and goes on.
func (r reporter) noHeader(text string) {
	first := firstLine(text)
	if advice := misspelt(first); advice != "" {
		r.fail(place{1, 1}, "not a header that cloud-init knows", advice)
		return
	}
	if found, line := laterHeader(text); found != "" {
		r.misplaced(text, found, line)
		return
	}
	switch {
	case strings.HasPrefix(first, "#"):
		r.fail(place{1, 1}, "a comment in place of the header; cloud-init would ignore the text", headerAdvice)
	case encoded(first):
		r.fail(place{1, 1}, "the text is base64, which NoCloud does not decode", "give it decoded (base64decode()), or compressed data in a file")
	case strings.HasPrefix(first, "{"), strings.HasPrefix(first, "---"), mailHeader.MatchString(first):
		r.fail(place{1, 1}, "the header is missing; cloud-init would ignore the text", "put #cloud-config on a line of its own before it")
	default:
		r.fail(place{1, 1}, "no header that cloud-init knows; it would ignore the text", headerAdvice)
	}
}

var templateLike = regexp.MustCompile(`(?i)^#+\s*template\s*:`)

// misspelt says which header a first line was meant to be, if any.
func misspelt(first string) (advice string) {
	if templateLike.MatchString(first) {
		return "write exactly `" + jinjaHeader + "`"
	}
	var known []string
	for _, h := range headers {
		known = append(known, h.text)
	}
	word := strings.ToLower(strings.Join(strings.Fields(first), ""))
	if like, ok := nearest.Name(word, known); ok && strings.HasPrefix(first, "#") {
		return "did you mean " + like + "?"
	}
	return ""
}

// laterHeader finds a header that is indented or not in the first line. A
// script's is not looked for: #! may stand in any text.
func laterHeader(text string) (found string, line int) {
	for part := range strings.SplitSeq(text, "\n") {
		line++
		word := strings.TrimSpace(part)
		if line > 50 || word != "" && word != "---" && !strings.HasPrefix(word, "#") {
			return "", 0
		}
		if k := headerKind(word); k != unrecognised {
			return strings.Fields(word)[0], line
		}
	}
	return "", 0
}

func (r reporter) misplaced(text, found string, line int) {
	above := strings.Join(strings.Split(text, "\n")[:line-1], "")
	advice := "remove what stands before it"
	switch {
	case line == 1:
		r.fail(place{1, 1}, fmt.Sprintf("blanks before the header %s", found), "remove the blanks (in HCL: <<-EOF instead of <<EOF)")
	case strings.HasPrefix(strings.TrimSpace(above), "---"):
		r.fail(place{1, 1}, fmt.Sprintf("--- before the header %s, which is in line %d; cloud-init would ignore the text", found, line+r.base), advice)
	case strings.TrimSpace(above) == "":
		r.fail(place{1, 1}, fmt.Sprintf("a blank line before the header %s, which is in line %d", found, line+r.base), advice)
	default:
		r.fail(place{1, 1}, fmt.Sprintf("a comment before the header %s, which is in line %d: cloud-init would take all of it for a comment", found, line+r.base), advice)
	}
}

// encoded says whether a line is base64 of something that begins as
// user-data does.
func encoded(line string) bool {
	if len(line) < 8 || strings.ContainsAny(line, " \t") {
		return false
	}
	head, err := base64.StdEncoding.DecodeString(line[:8])
	// The decoder passes over carriage returns.
	return err == nil && len(head) > 1 && (head[0] == '#' || head[0] == 0x1f && head[1] == 0x8b)
}
