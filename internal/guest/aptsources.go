// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"slices"
	"strings"
)

// aptEntry is one archive, suite and its components of apt's sources.
type aptEntry struct {
	uri, suite string
	components []string
}

// parseSourcesList reads a sources.list in its one-line form: binary packages
// only, in the order of the file.
func parseSourcesList(doc string) []aptEntry {
	var entries []aptEntry
	for line := range strings.Lines(doc) {
		line, _, _ = strings.Cut(line, "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb")
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' && rest[0] != '[' {
			continue
		}
		rest = strings.TrimSpace(rest)
		if strings.HasPrefix(rest, "[") {
			if _, rest, ok = strings.Cut(rest, "]"); !ok {
				continue
			}
		}
		fields := strings.Fields(rest)
		if len(fields) < 2 {
			continue
		}
		entries = append(entries, aptEntry{fields[0], fields[1], fields[2:]})
	}
	return entries
}

// parseSourcesFile reads deb822-style sources: paragraphs of fields, each with
// one or several types, URIs, suites and components. Disabled ones are left out.
func parseSourcesFile(doc string) []aptEntry {
	var entries []aptEntry
	for _, fields := range paragraphs(doc) {
		switch strings.ToLower(fields["enabled"]) {
		case "no", "false", "0", "off", "without", "disable":
			continue
		}
		if !slices.Contains(strings.Fields(fields["types"]), "deb") {
			continue
		}
		for _, uri := range strings.Fields(fields["uris"]) {
			for _, suite := range strings.Fields(fields["suites"]) {
				entries = append(entries, aptEntry{uri, suite, strings.Fields(fields["components"])})
			}
		}
	}
	return entries
}

// paragraphs splits a deb822 text into maps from the lower-cased field name.
func paragraphs(doc string) []map[string]string {
	var all []map[string]string
	fields, last := map[string]string{}, ""
	for line := range strings.Lines(doc + "\n\n") {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			if len(fields) > 0 {
				all = append(all, fields)
			}
			fields, last = map[string]string{}, ""
		case line[0] == ' ' || line[0] == '\t':
			if last != "" {
				fields[last] += " " + strings.TrimSpace(line)
			}
		default:
			name, value, _ := strings.Cut(line, ":")
			last = strings.ToLower(strings.TrimSpace(name))
			fields[last] = strings.TrimSpace(value)
		}
	}
	return all
}
