// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/textproto"
	"slices"
	"strings"

	"github.com/agext/levenshtein"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nearest"
)

// gzipTypes are the types whose content cloud-init decompresses.
var gzipTypes = []string{"application/gzip", "application/gzip-compressed", "application/gzipped",
	"application/x-compress", "application/x-compressed", "application/x-gunzip",
	"application/x-gzip", "application/x-gzip-compressed"}

// mime checks a MIME message. Its parts keep their lines: the message is split
// here, since mime/multipart does not say where a part stands.
func (r reporter) mime(text string) {
	if !strings.Contains(strings.ToLower(text[:min(len(text), 4096)]), "mime-version:") {
		r.fail(place{1, 1}, "no MIME-Version header, by which cloud-init knows a MIME message", "add `MIME-Version: 1.0` to the headers at the top")
		return
	}
	// Lines of a message end in CRLF by its standard; cloud-init minds neither.
	r.entity(strings.ReplaceAll(text, "\r\n", "\n"))
}

// entity checks a message or a part of one: headers, a blank line, a body.
func (r reporter) entity(text string) {
	if r.depth > maxDepth {
		r.fail(place{}, "messages are nested too deeply", "flatten them")
		return
	}
	head, body, base := splitEntity(text)
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(head + "\r\n\r\n"))).ReadMIMEHeader()
	if err != nil {
		r.fail(place{1, 1}, "MIME headers that cannot be read (a line without a colon?)", "separate headers and content by a blank line")
		return
	}
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if header.Get("Content-Type") == "" {
		mediaType, err = "text/plain", nil
	}
	if err != nil {
		r.fail(place{1, 1}, fmt.Sprintf("a Content-Type that cannot be read: %s", err), "write it as type/subtype; charset=\"utf-8\"")
		return
	}
	if strings.HasPrefix(mediaType, "multipart/") {
		r.within("", base).multipart(body, params["boundary"])
		return
	}
	r.leaf(body, base, mediaType, header.Get("Content-Transfer-Encoding"))
}

// splitEntity parts headers from body; base is the lines before the body.
func splitEntity(text string) (head, body string, base int) {
	var skipped int
	if strings.HasPrefix(text, "From ") { // the line that mail folders begin with
		_, text, _ = strings.Cut(text, "\n")
		skipped = 1
	}
	rest := text
	for rest != "" {
		line, after, _ := strings.Cut(rest, "\n")
		if line == "" {
			head = text[:len(text)-len(rest)]
			return strings.TrimRight(head, "\n"), after, skipped + strings.Count(head, "\n") + 1
		}
		rest = after
	}
	return strings.TrimRight(text, "\n"), "", skipped + strings.Count(text, "\n")
}

// multipart checks the parts between boundary lines.
func (r reporter) multipart(body, boundary string) {
	if boundary == "" {
		r.fail(place{}, "a multipart message whose Content-Type names no boundary", `write multipart/mixed; boundary="…"`)
		return
	}
	parts, closed := splitParts(body, boundary)
	if len(parts) == 0 {
		r.fail(place{}, "a multipart message without parts", fmt.Sprintf("begin each part with a line --%s", boundary))
		return
	}
	if !closed {
		r.warn(place{}, "the message is not closed: is its end missing?", fmt.Sprintf("end it with a line --%s--", boundary))
	}
	for i, p := range parts {
		r.within(fmt.Sprintf("part %d", i+1), p.base).entity(p.text)
	}
}

type bodyPart struct {
	text string
	base int
}

// splitParts cuts a body at its boundary lines.
func splitParts(body, boundary string) (parts []bodyPart, closed bool) {
	var current *bodyPart
	var lines []string
	flush := func() {
		if current != nil {
			current.text = strings.Join(lines, "\n")
			parts = append(parts, *current)
		}
		current, lines = nil, nil
	}
	for i, line := range strings.Split(body, "\n") {
		switch mark := strings.TrimRight(line, " \t"); {
		case mark == "--"+boundary+"--":
			flush()
			return parts, true
		case mark == "--"+boundary:
			flush()
			current = &bodyPart{base: i + 1}
		default:
			lines = append(lines, line)
		}
	}
	flush()
	return parts, false
}

// leaf checks a part with content, which may be encoded and compressed.
func (r reporter) leaf(body string, base int, mediaType, encoding string) {
	inner := r.within("", base)
	encoding = strings.ToLower(strings.TrimSpace(encoding))
	text, err := decodeBody(body, encoding)
	if err != nil {
		inner.fail(place{}, fmt.Sprintf("content that is not %s: %s", encoding, err), "encode it again, or name its encoding rightly")
		return
	}
	if encoding == "base64" || encoding == "quoted-printable" {
		inner = r.decoded("decoded")
	}
	if slices.Contains(gzipTypes, mediaType) {
		plain, err := gunzip([]byte(text))
		if err != nil {
			inner.fail(place{}, fmt.Sprintf("compressed content that cannot be read: %s", err), "compress it again with gzip")
			return
		}
		inner, text, mediaType = inner.decoded("decompressed"), string(plain), "text/plain"
	}
	if strings.HasPrefix(mediaType, "text/") && inner.plainText([]byte(text)) {
		inner.declaredPart(text, kind(mediaType))
	}
}

func decodeBody(body, encoding string) (string, error) {
	var in io.Reader
	switch encoding {
	case "base64":
		in = base64.NewDecoder(base64.StdEncoding, strings.NewReader(body))
	case "quoted-printable":
		in = quotedprintable.NewReader(strings.NewReader(body))
	default:
		return body, nil
	}
	text, err := io.ReadAll(in)
	return string(text), err
}

// declaredPart checks a part by its MIME type. Where that says nothing, or
// says script, cloud-init looks at the header instead. A type it does not
// know may belong to a part handler.
func (r reporter) declaredPart(text string, declared kind) {
	switch declared {
	case "text/plain", "text/x-not-multipart", unrecognised:
		r.content(text, unrecognised)
	case script:
		if classify(text) == unrecognised {
			r.script(text)
			return
		}
		r.content(text, unrecognised)
	case "text/x-shellscript-per-boot", "text/x-shellscript-per-instance", "text/x-shellscript-per-once":
		r.content(text, script)
	case jinja:
		if classify(text) != jinja {
			r.fail(place{1, 1}, "a template without its header", "write `"+jinjaHeader+"` in its first line")
			return
		}
		r.jinja(text)
	case cloudConfig, archive, jsonPatch, bootHook, include, includeOnce, partHandler:
		r.content(text, declared)
	default:
		r.unknownType(string(declared))
	}
}

// unknownType: a type that is nearly one of cloud-init's; others may be those of part
// handlers.
func (r reporter) unknownType(declared string) {
	known := []string{"text/x-shellscript-per-boot", "text/x-shellscript-per-instance", "text/x-shellscript-per-once"}
	for _, k := range []kind{script, jinja, cloudConfig, archive, jsonPatch, bootHook, include, includeOnce, partHandler} {
		known = append(known, string(k))
	}
	if like, ok := nearest.Name(declared, known); ok && levenshtein.Distance(declared, like, nil) <= 2 {
		r.fail(place{1, 1}, "a type that cloud-init does not know; it would pass over the part", "did you mean "+like+"?")
	}
}
