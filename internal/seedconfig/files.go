// SPDX-License-Identifier: MPL-2.0

//go:generate packer-sdc struct-markdown

package seedconfig

import (
	"encoding/base64"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/packer-plugin-sdk/template/config"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud"
	"github.com/seed-736dd801/packer-plugin-diskimage/internal/nocloud/yamltext"
)

// WriteFile is a file that cloud-init writes.
type WriteFile struct {
	// Where it is written, an absolute path. Directories are made.
	Path string `mapstructure:"path" required:"true"`
	// What is in it. Not touched by templating. Without it and `source` the file
	// is empty.
	Content string `mapstructure:"content"`
	// A local file with the content, text or binary. Conflicts with `content`.
	Source string `mapstructure:"source"`
	// Whom it belongs to, `user` or `user:group`. Defaults to `root:root`.
	Owner string `mapstructure:"owner"`
	// Its mode in octal digits, such as `"0600"`. Defaults to `0644`.
	Permissions string `mapstructure:"permissions"`
	// Append to the file instead of replacing it.
	Append bool `mapstructure:"append"`
	// Write it late, when users exist and packages are installed. Defaults to
	// `true` if `owner` is one of the seed's users, else to `false`.
	Defer config.Trilean `mapstructure:"defer"`
}

// Script is a script that cloud-init runs.
type Script struct {
	// How often: `boot` (every boot), `instance` (once per instance-id) or `once`
	// (never again on this machine). Defaults to `instance`.
	Per string `mapstructure:"per"`
	// The script, which begins with `#!`. Not touched by templating.
	Content string `mapstructure:"content"`
	// A local file with the script. Conflicts with `content`.
	Source string `mapstructure:"source"`
	// Its file name on the machine. Scripts run in the order of their names.
	// Defaults to `script-01` and so on, in the order of the blocks.
	Name string `mapstructure:"name"`
}

// Part is a further part of the user-data.
type Part struct {
	// The content, in any form of `user_data`. Not touched by templating.
	Content string `mapstructure:"content"`
	// A local file with the content. Conflicts with `content`.
	Source string `mapstructure:"source"`
	// Its MIME type, such as `text/cloud-boothook`. By default it is known by the
	// first line of the content.
	ContentType string `mapstructure:"content_type"`
	// Its name in cloud-init's log; a script is stored under it.
	Filename string `mapstructure:"filename"`
	// How a cloud-config is merged into the parts before it, in cloud-init's
	// notation. Defaults to `list(append)+dict(no_replace,recurse_list)+str()`.
	MergeType string `mapstructure:"merge_type"`
}

var (
	filePath    = regexp.MustCompile(`^/[^\x00-\x1f]*[^/\x00-\x1f]$`)
	owner       = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$`)
	permissions = regexp.MustCompile(`^[0-7]{3,4}$`)
	fileName    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	mediaType   = regexp.MustCompile(`^[a-z]+/[a-z0-9.+-]+$`)
	mergeType   = regexp.MustCompile(`^(list|dict|str)\([a-z_, ]*\)(\+(list|dict|str)\([a-z_, ]*\))*$`)
)

func (f *WriteFile) check(wrong *problems, i int, paths, users map[string]bool) {
	at := f.attribute(i)
	if f.Path == "" {
		wrong.add(at+".path", "a path is missing", "set it")
	}
	wrong.match(at+".path", f.Path, filePath, "not an absolute path of a file", "write it as /etc/motd")
	if paths[path.Clean(f.Path)] && !f.Append && !notKnown(f.Path) {
		wrong.add(at+".path", "another block writes this file, too", "write it once, or set append")
	}
	paths[path.Clean(f.Path)] = true
	checkSource(wrong, at, f.Content, f.Source)
	wrong.match(at+".owner", f.Owner, owner, "not a user, or user:group", "write it as root:root")
	wrong.match(at+".permissions", f.Permissions, permissions, "not a mode in octal digits", `write it as "0644"`)
	if f.Defer.False() && users[f.ownerName()] {
		wrong.add(at+".defer", "the owner does not exist yet when files are written early", "leave defer out")
	}
}

// attribute names the block in messages.
func (f *WriteFile) attribute(i int) string {
	if known(f.Path) == "" {
		return fmt.Sprintf("write_file[%d]", i)
	}
	return fmt.Sprintf("write_file %q", f.Path)
}

func checkSource(wrong *problems, at, content, source string) {
	if content != "" && source != "" {
		wrong.add(at+".source", "content is set, too", "give one of them")
	}
}

func (f *WriteFile) ownerName() string {
	name, _, _ := strings.Cut(f.Owner, ":")
	return name
}

// write gives the entry of write_files.
func (f *WriteFile) write(i int, users map[string]bool) (yamltext.Map, error) {
	m := yamltext.Map{{Key: "path", Value: f.Path}}
	content := f.Content
	if f.Source != "" {
		text, err := readFile(f.Source)
		if err != nil {
			return nil, fmt.Errorf("%s.source: reading the file failed: %w; give the path of a readable file", f.attribute(i), err)
		}
		if len(text) > nocloud.MaxSize {
			return nil, nocloud.Problem{Attribute: f.attribute(i) + ".source", Source: f.Source,
				Text: "larger than a seed should be", Advice: "put large files on the image or behind a URL"}
		}
		content = string(text)
	}
	if binary(content) {
		m.Add("encoding", "b64")
		content = base64.StdEncoding.EncodeToString([]byte(content))
	}
	m.Add("content", content)
	addText(&m, "owner", f.Owner)
	if f.Permissions != "" {
		m.Add("permissions", strings.Repeat("0", max(0, 4-len(f.Permissions)))+f.Permissions)
	}
	if f.Append {
		m.Add("append", true)
	}
	late := f.Defer
	if late == config.TriUnset && users[f.ownerName()] {
		late = config.TriTrue
	}
	addBool(&m, "defer", late)
	return m, nil
}

// binary says whether a content is better written in base64.
func binary(content string) bool {
	return !utf8.ValidString(content) || strings.ContainsFunc(content, func(c rune) bool {
		return unicode.IsControl(c) && !strings.ContainsRune("\t\r\n", c)
	})
}

func (s *Script) check(wrong *problems, i int, names map[string]bool) {
	at := fmt.Sprintf("script[%d]", i)
	wrong.oneOf(at+".per", s.Per, "boot", "instance", "once")
	checkContent(wrong, at, s.Content, s.Source)
	wrong.match(at+".name", s.Name, fileName, "not a plain file name", "use letters, digits, dots and dashes")
	if key := s.frequency() + "/" + s.Name; known(s.Name) != "" {
		if names[key] {
			wrong.add(at+".name", "another script has this name", "give each its own")
		}
		names[key] = true
	}
}

func checkContent(wrong *problems, at, content, source string) {
	checkSource(wrong, at, content, source)
	if content == "" && source == "" {
		wrong.add(at+".content", "there is no content", "set content or source")
	}
}

func (s *Script) frequency() string {
	if s.Per == "" {
		return "instance"
	}
	return s.Per
}

func (s *Script) document(i int) document {
	return document{fmt.Sprintf("script[%d]", i), s.Content, s.Source}
}

func (s *Script) part(i int) nocloud.Part {
	name := s.Name
	if name == "" {
		name = fmt.Sprintf("script-%02d", i+1)
	}
	return nocloud.Part{Type: nocloud.ScriptTypes[s.frequency()], Filename: name}
}

func (p *Part) check(wrong *problems, i int) {
	at := fmt.Sprintf("part[%d]", i)
	checkContent(wrong, at, p.Content, p.Source)
	wrong.match(at+".content_type", p.ContentType, mediaType, "not a MIME type", "write it as text/cloud-config")
	wrong.match(at+".filename", p.Filename, fileName, "not a plain file name", "use letters, digits, dots and dashes")
	wrong.match(at+".merge_type", p.MergeType, mergeType, "not a rule of merging", "write it as list(append)+dict(no_replace,recurse_list)+str()")
}

func (p *Part) document(i int) document {
	return document{fmt.Sprintf("part[%d]", i), p.Content, p.Source}
}

func (p *Part) part() nocloud.Part {
	return nocloud.Part{Type: p.ContentType, Filename: p.Filename, Merge: p.MergeType}
}
