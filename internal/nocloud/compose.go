// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/yamltext"
)

// Part is one of several parts that user-data is made of.
type Part struct {
	Document
	// Type is its MIME type. Empty: the one that its header stands for.
	Type string
	// Filename names the part in cloud-init's logs; a script is stored under it,
	// and scripts run in the order of their names. Empty: part-001, …
	Filename string
	// Merge is how the part is merged into those before it, as cloud-init's
	// header Merge-Type says it. Empty: AppendLists for a cloud-config that has
	// no rule of its own.
	Merge string
}

// AppendLists is the rule by which parts of a composed seed are merged: lists are
// appended, mappings filled up. Of two plain values the first would stay, which
// is why Check refuses two that differ. cloud-init's own rule replaces each key of
// the top level as a whole: a second `runcmd` would silently undo the first.
const AppendLists = "list(append)+dict(no_replace,recurse_list)+str()"

// ScriptTypes are the types of scripts that cloud-init runs per boot, per
// instance and once.
var ScriptTypes = map[string]string{
	"boot":     "text/x-shellscript-per-boot",
	"instance": "text/x-shellscript-per-instance",
	"once":     "text/x-shellscript-per-once",
}

// parts are UserData and Parts, as far as there is something in them.
func (s Seed) parts() (parts []Part) {
	if len(bytes.TrimSpace(s.UserData.Text)) > 0 {
		parts = append(parts, Part{Document: s.UserData, Filename: "user-data"})
	}
	for _, p := range s.Parts {
		if len(bytes.TrimSpace(p.Text)) > 0 {
			parts = append(parts, p)
		}
	}
	return parts
}

// userData makes one document of all parts. A single one stays as it is.
func (s Seed) userData() ([]byte, error) {
	parts := s.parts()
	var text []byte
	switch {
	case len(parts) == 0:
		text = []byte(EmptyDocument)
	case len(parts) == 1 && parts[0].Type == "" && parts[0].Merge == "":
		text = parts[0].Text
	default:
		var err error
		if text, err = assemble(parts); err != nil {
			return nil, err
		}
	}
	if s.Compress && !isGzip(text) {
		return compress(text)
	}
	return text, nil
}

func isGzip(text []byte) bool { return bytes.HasPrefix(text, []byte("\x1f\x8b")) }

// compress holds neither a time nor a name, so it gives the same bytes each time.
func compress(text []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compressing user-data: %w", err)
	}
	_, err = z.Write(text)
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, fmt.Errorf("compressing user-data: %w", err)
	}
	return b.Bytes(), nil
}

// assemble makes a MIME message of the parts.
func assemble(parts []Part) ([]byte, error) {
	entities := make([]string, len(parts))
	for i, p := range parts {
		if p.Type == "" && isGzip(p.Text) {
			plain, err := gunzip(p.Text)
			if err != nil {
				return nil, fmt.Errorf("decompressing %s: %w", p.Attribute, err)
			}
			p.Text = plain
		}
		p.Filename = cmp.Or(p.Filename, fmt.Sprintf("part-%03d", i+1))
		entities[i] = p.entity(i == 0)
	}
	mark := boundary(entities)
	var b bytes.Buffer
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=\"%s\"\nMIME-Version: 1.0\n\n", mark)
	for _, e := range entities {
		fmt.Fprintf(&b, "--%s\n%s\n", mark, e)
	}
	fmt.Fprintf(&b, "--%s--\n", mark)
	return b.Bytes(), nil
}

// boundary is derived from what it separates and occurs nowhere in it.
func boundary(entities []string) string {
	all := strings.Join(entities, "\n")
	h := sha256.Sum256([]byte(all))
	for {
		mark := "===" + hex.EncodeToString(h[:16]) + "==="
		if !strings.Contains(all, mark) {
			return mark
		}
		h = sha256.Sum256(h[:])
	}
}

// entity is the part with its headers.
func (p Part) entity(first bool) string {
	text := string(p.Text)
	k := classify(text)
	if p.Type == "" && k == mimeMessage {
		// A message is an entity already, but for the line that mail folders
		// begin with.
		if strings.HasPrefix(text, "From ") {
			_, text, _ = strings.Cut(text, "\n")
		}
		return text
	}
	if p.Type == "" && k == unrecognised {
		k = "text/plain"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Content-Type: %s; charset=\"utf-8\"\nMIME-Version: 1.0\n", cmp.Or(p.Type, string(k)))
	body := text
	if sevenBit(text) {
		b.WriteString("Content-Transfer-Encoding: 7bit\n")
	} else {
		b.WriteString("Content-Transfer-Encoding: base64\n")
		body = base64Lines(p.Text)
	}
	fmt.Fprintf(&b, "Content-Disposition: attachment; filename=%s\n", yamltext.Quoted(p.Filename))
	if merge := p.mergeRule(first); merge != "" {
		fmt.Fprintf(&b, "Merge-Type: %s\n", merge)
	}
	b.WriteString("\n" + body)
	return b.String()
}

// ownRule finds a rule of merging in the text of a cloud-config or template.
var ownRule = regexp.MustCompile(`(?m)^[ {"']*merge_(?:how|type)["']? *:`)

// mergeRule is the rule to write into the part's headers. The first part is
// merged into nothing.
func (p Part) mergeRule(first bool) string {
	k := kind(cmp.Or(p.Type, string(classify(string(p.Text)))))
	if p.Merge != "" || first || k != cloudConfig && k != jinja || ownRule.Match(p.Text) {
		return p.Merge
	}
	return AppendLists
}

// maxLine is the longest line of a message, without its end.
const maxLine = 998

// sevenBit says whether a text can stand in a message as it is. Python's parser
// would not give back other characters, and would end lines at some of them.
func sevenBit(text string) bool {
	for line := range strings.SplitSeq(text, "\n") {
		if len(line) > maxLine || strings.ContainsFunc(line, func(c rune) bool { return c != '\t' && (c < ' ' || c > '~') }) {
			return false
		}
	}
	return true
}

func base64Lines(data []byte) string {
	const width = 76
	text := base64.StdEncoding.EncodeToString(data)
	var b strings.Builder
	for len(text) > width {
		b.WriteString(text[:width] + "\n")
		text = text[width:]
	}
	return b.String() + text
}
