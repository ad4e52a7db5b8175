// SPDX-License-Identifier: MPL-2.0

package nocloud

import (
	"bufio"
	"bytes"
	"fmt"
	"mime"
	"net/textproto"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// What is judged by the target's own schema is bounded: each document costs a
// start of Python there, and a large one seconds.
const (
	maxJudged      = 16
	maxJudgedBytes = 256 << 10
)

// judged is a document for the target's own `cloud-init schema`.
type judged struct {
	// file is its name beside the script; extra if it is no file of the seed.
	file  string
	extra bool
	// kind is "config" or "network".
	kind string
	// seedFile is the file of the seed that it is from, part the part of it, and
	// base the lines before it.
	seedFile, part string
	base           int
	text           string
}

// judged finds the cloud-configs and the network-config. Templates are left out, as
// they are no YAML yet, and so are keys that belong to modules of the user's own.
func (out Rendered) judged(customKeys []string) (all []judged) {
	for _, name := range []string{UserDataFile, VendorDataFile} {
		text := out.file(name)
		j := judged{kind: "config", seedFile: name}
		if isGzip(text) {
			plain, err := gunzip(text)
			if err != nil {
				continue
			}
			text, j.part, j.extra = plain, "decompressed", true
		}
		all = j.collect(all, string(text), unrecognised)
	}
	if text := out.file(NetworkConfigFile); text != nil {
		all = append(all, judged{kind: "network", seedFile: NetworkConfigFile, text: string(text)})
	}
	for i := range all {
		all[i].text = lineBreaks.Replace(all[i].text)
		all[i].without(customKeys)
		if all[i].kind == "config" {
			all[i].singleRules()
		}
	}
	all = slices.DeleteFunc(all, func(j judged) bool { return len(j.text) > maxJudgedBytes })
	all = all[:min(len(all), maxJudged)]
	for i := range all {
		all[i].file = all[i].seedFile
		if all[i].extra {
			all[i].file = fmt.Sprintf("judged-%d.yaml", i)
		}
	}
	return all
}

// collect adds a text if it is a cloud-config, or those in it.
func (j judged) collect(all []judged, text string, declared kind) []judged {
	k := classify(text)
	switch {
	case len(all) > maxJudged:
	case k == mimeMessage:
		return j.collectEntity(all, strings.ReplaceAll(text, "\r\n", "\n"), 0)
	case k == cloudConfig || k == unrecognised && declared == cloudConfig:
		// By their first line alone do older versions know what they are to judge.
		if !strings.HasPrefix(text, "#cloud-config") {
			text, j.base, j.extra = "#cloud-config\n"+text, j.base-1, true
		}
		j.text = text
		return append(all, j)
	case k == archive || k == unrecognised && declared == archive:
		return j.collectArchive(all, text)
	}
	return all
}

// collectArchive goes through the list of texts that an archive is.
func (j judged) collectArchive(all []judged, text string) []judged {
	root, err := parseYAML(strings.NewReader(text))
	if err != nil || root == nil || root.Kind != yaml.SequenceNode {
		return all
	}
	j.extra = true
	for i, item := range root.Content {
		content, declared := archivePart(resolve(item))
		if content == nil || content.Kind != yaml.ScalarNode || content.ShortTag() == "!!binary" {
			continue
		}
		inner := j
		inner.part, inner.base = joinPart(j.part, fmt.Sprintf("part %d", i+1)), 0
		if content.Style&yaml.LiteralStyle != 0 {
			inner.base = j.base + content.Line
		}
		all = inner.collect(all, content.Value, declared)
	}
	return all
}

// collectEntity goes through a MIME message or a part of one.
func (j judged) collectEntity(all []judged, text string, depth int) []judged {
	head, body, base := splitEntity(text)
	header, err := textproto.NewReader(bufio.NewReader(strings.NewReader(head + "\r\n\r\n"))).ReadMIMEHeader()
	if err != nil || depth > maxDepth {
		return all
	}
	j.base += base
	j.extra = true
	mediaType, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	if strings.HasPrefix(mediaType, "multipart/") {
		parts, _ := splitParts(body, params["boundary"])
		for i, p := range parts {
			inner := j
			inner.base, inner.part = j.base+p.base, joinPart(j.part, fmt.Sprintf("part %d", i+1))
			all = inner.collectEntity(all, p.text, depth+1)
		}
		return all
	}
	encoding := strings.ToLower(strings.TrimSpace(header.Get("Content-Transfer-Encoding")))
	content, decodeErr := decodeBody(body, encoding)
	if err != nil && header.Get("Content-Type") != "" || decodeErr != nil {
		return all
	}
	if content != body {
		j.part, j.base = joinPart(j.part, "decoded"), 0
	}
	if slices.Contains(gzipTypes, mediaType) {
		plain, err := gunzip([]byte(content))
		if err != nil {
			return all
		}
		content, mediaType, j.base = string(plain), "text/plain", 0
	}
	return j.collect(all, content, kind(mediaType))
}

// without turns the lines of top-level keys into comments.
func (j *judged) without(keys []string) {
	root, err := parseYAML(strings.NewReader(j.text))
	if err != nil || root == nil || root.Kind != yaml.MappingNode || root.Style&yaml.FlowStyle != 0 {
		return
	}
	lines := strings.SplitAfter(j.text, "\n")
	for i := 0; i < len(root.Content); i += 2 {
		if !slices.Contains(keys, root.Content[i].Value) {
			continue
		}
		end := len(lines)
		if i+2 < len(root.Content) {
			end = root.Content[i+2].Line - 1
		}
		for n := root.Content[i].Line - 1; n < end; n++ {
			lines[n] = "#\n"
		}
		j.extra = true
	}
	j.text = strings.Join(lines, "")
}

func joinPart(outer, inner string) string {
	if outer == "" {
		return inner
	}
	return outer + ", " + inner
}

// problem is at a line of the judged text. A document that the seed holds as it
// was given is named by its attribute, and one that was put together by its file.
func (j judged) problem(s Seed, out Rendered, at place) Problem {
	p := Problem{Attribute: j.seedFile, Part: j.part, Line: at.line, Column: at.column}
	given := map[string]Document{UserDataFile: s.UserData, VendorDataFile: s.VendorData, NetworkConfigFile: s.NetworkConfig}[j.seedFile]
	if given.Given() && bytes.Equal(given.Text, out.file(j.seedFile)) {
		p.Attribute, p.Source = given.Attribute, given.Source
	}
	if p.Line > 0 {
		p.Line = max(1, p.Line+j.base)
	}
	return p
}
