// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/schema"
)

// maxDepth bounds messages within archives within messages.
const maxDepth = 8

// userData checks user-data or vendor-data as a whole.
func (r reporter) userData(text []byte) {
	if isGzip(text) {
		plain, err := gunzip(text)
		if err != nil {
			r.fail(place{}, fmt.Sprintf("compressed data that cannot be read: %s", err), "compress it again with gzip")
			return
		}
		r, text = r.decoded("decompressed"), plain
	}
	if r.raw && len(text) <= MaxSize && len(bytes.TrimSpace(text)) > 0 && classify(string(text)) == unrecognised {
		return
	}
	if !r.plainText(text) {
		return
	}
	if strings.TrimSpace(string(text)) == "" {
		r.warn(place{}, "the text is empty", "leave the attribute out")
		return
	}
	r.content(string(text), unrecognised)
}

// gunzip decompresses at most one byte more than MaxSize.
func gunzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, MaxSize+1))
}

// content checks one text: by the kind it was declared to be, or else by its header.
func (r reporter) content(text string, declared kind) {
	if r.depth > maxDepth {
		r.fail(place{}, "parts are nested too deeply", "flatten them")
		return
	}
	k := classify(text)
	if declared != unrecognised && k != mimeMessage && k != jinja {
		k = declared
	}
	firstEnd, _, _ := strings.Cut(text, "\n")
	if k != mimeMessage && (k != script || strings.HasSuffix(firstEnd, "\r")) {
		// cloud-init mends a script only if its first line has CRLF, so what
		// follows later is wanted.
		text = r.unixLines(text)
	}
	switch k {
	case cloudConfig:
		r.cloudConfig(text)
	case jinja:
		r.jinja(text)
	case script:
		r.script(text)
	case bootHook:
		r.bootHook(text)
	case include, includeOnce:
		r.include(text)
	case partHandler:
		r.partHandler(text)
	case archive:
		r.archive(text)
	case jsonPatch:
		r.jsonPatch(text)
	case mimeMessage:
		r.mime(text)
	default:
		r.noHeader(text)
	}
}

func (r reporter) cloudConfig(text string) {
	root, ok := r.yamlMapping(text, "cloud-config")
	switch {
	case ok && root == nil:
		r.warn(place{1, 1}, "the cloud-config is empty; cloud-init logs a warning at each boot", "write {} below the header, or leave it out")
	case ok:
		r.findings(schema.CloudConfig(root, r.options))
	}
}

// jinja checks a template's header. The text itself only becomes YAML when
// cloud-init renders it, so it is parsed only if nothing in it is rendered.
func (r reporter) jinja(text string) {
	if kind := strings.ToLower(strings.TrimSpace(firstLine(text)[len(jinjaHeader):])); kind != "" {
		r.fail(place{1, len(jinjaHeader) + 1}, "text after the template header", "write exactly `"+jinjaHeader+"`")
		return
	}
	_, body, _ := strings.Cut(text, "\n")
	if !strings.Contains(body, "{{") && !strings.Contains(body, "{%") && !strings.Contains(body, "{#") {
		r.within("", 1).inner(body)
		return
	}
	for line := range strings.SplitSeq(body, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "{") || headerKind(line) != unrecognised && headerKind(line) != jinja {
			r.within("", 1).templated(body)
			return // statements may print the header, or stand before it
		}
		if line != "" {
			break
		}
	}
	r.within("", 1).noHeader(body)
}

// inner checks a template without anything to render.
func (r reporter) inner(body string) {
	if strings.TrimSpace(body) == "" {
		r.fail(place{1, 0}, "nothing follows the template header", "put a header such as #cloud-config in the next line")
		return
	}
	r.content(body, unrecognised)
}

func (r reporter) script(text string) {
	interpreter, ok := strings.CutPrefix(firstLine(text), "#!")
	switch interpreter = strings.TrimSpace(interpreter); {
	case !ok:
		r.fail(place{1, 1}, "a script without #! in its first line, which cannot be run", "begin with #!/bin/sh")
	case interpreter == "":
		r.fail(place{1, 1}, "no interpreter after #!", "write #!/bin/sh")
	case !strings.HasPrefix(interpreter, "/"):
		advice := "write its whole path, such as #!/bin/sh or #!/usr/bin/env bash"
		if headerKind("#"+interpreter) != unrecognised {
			advice = "did you mean #" + strings.Fields(interpreter)[0] + "?"
		}
		r.fail(place{1, 3}, "the interpreter is not a path from /", advice)
	}
}

// bootHook: cloud-init removes the header and runs the rest.
func (r reporter) bootHook(text string) {
	if headerKind(firstLine(text)) == bootHook {
		text = text[len("#cloud-boothook"):]
	}
	if !strings.HasPrefix(strings.TrimSpace(text), "#!") {
		r.warn(place{1, 1}, "the boothook has no #! after its header; most versions cannot run it", "put #!/bin/sh in the next line")
	}
}

// include: one URL a line; the header's own line may hold the first.
func (r reporter) include(text string) {
	for i, line := range strings.Split(text, "\n") {
		switch headerKind(line) {
		case include:
			line = line[len("#include"):]
		case includeOnce:
			line = line[len("#include-once"):]
		}
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "/") {
			continue
		}
		if u, err := url.Parse(line); err != nil || u.Scheme == "" {
			r.fail(place{i + 1, 1}, "not a URL; an include is a list of URLs, one a line", "write it with its scheme (https://…), or use another header")
			return
		}
	}
}

func (r reporter) partHandler(text string) {
	for _, function := range []string{"list_types", "handle_part"} {
		if !strings.Contains(text, function) {
			r.fail(place{1, 1}, "the part handler has no function "+function, "define list_types() and handle_part(…)")
		}
	}
}

// archive: a YAML list of texts, or of mappings with content and type.
func (r reporter) archive(text string) {
	root, ok := r.yamlDocument(text)
	if !ok || root == nil {
		return
	}
	if root.Kind != yaml.SequenceNode {
		r.fail(at(root), "the archive is not a list", "begin each part with `- `")
		return
	}
	for i, item := range root.Content {
		r.archiveItem(fmt.Sprintf("part %d", i+1), resolve(item))
	}
}

// archivePart is the text of a part, nil if there is none, and the type that it is
// declared to be of, or that cloud-init takes it for.
func archivePart(item *yaml.Node) (content *yaml.Node, declared kind) {
	content = item
	if item.Kind == yaml.MappingNode {
		_, content = field(item, "content")
		if _, t := field(item, "type"); t != nil {
			declared = kind(t.Value)
		}
	}
	if content != nil && declared == unrecognised && classify(content.Value) == unrecognised {
		declared = cloudConfig
	}
	return content, declared
}

func (r reporter) archiveItem(name string, item *yaml.Node) {
	content, declared := archivePart(item)
	if _, t := field(item, "type"); item.Kind == yaml.MappingNode && t != nil && !strings.Contains(t.Value, "/") {
		r.fail(at(t), "the part's type is not a MIME type", "write type/subtype, such as "+string(cloudConfig))
		return
	}
	if content == nil || content.Kind != yaml.ScalarNode {
		r.fail(at(item), "a part of an archive is a text, or a mapping with a text as content", "")
		return
	}
	if content.ShortTag() == "!!binary" {
		return
	}
	inner := r.decoded(name)
	if content.Style&yaml.LiteralStyle != 0 {
		inner = r.within(name, content.Line)
	}
	inner.declaredPart(content.Value, declared)
}

// jsonPatch: cloud-init removes the header and reads the rest as JSON.
func (r reporter) jsonPatch(text string) {
	body := text
	if headerKind(firstLine(text)) == jsonPatch {
		body = strings.Repeat(" ", len("#cloud-config-jsonp")) + text[len("#cloud-config-jsonp"):]
	}
	var patch []struct {
		Op   *string `json:"op"`
		Path *string `json:"path"`
	}
	err := json.Unmarshal([]byte(body), &patch)
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		r.fail(placeOf(body, max(0, int(syntax.Offset)-1)), "not JSON: "+err.Error(), "a JSON patch is a list of {op, path, value}")
	case errors.As(err, &wrong):
		r.fail(placeOf(body, int(wrong.Offset)), "not a JSON patch (a list of objects)", "write [{\"op\": \"add\", \"path\": \"/key\", \"value\": …}]")
	}
	for i, step := range patch {
		if step.Op == nil || step.Path == nil {
			r.fail(place{1, 1}, fmt.Sprintf("step %d of the JSON patch has no op or no path", i+1), "give both")
		}
	}
}
