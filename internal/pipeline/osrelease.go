// SPDX-License-Identifier: MPL-2.0

package pipeline

import (
	"bufio"
	"strings"
)

// OS is how a system names itself in os-release(5); what it does not say is
// empty.
type OS struct {
	// ID is the distribution, such as "debian".
	ID string
	// Version is its number, such as "12"; Codename its name, such as "bookworm".
	Version, Codename string
}

// Release is the name that people use for the version: the code name where
// there is one.
func (o OS) Release() string {
	if o.Codename != "" {
		return o.Codename
	}
	return o.Version
}

// parseOSRelease reads the text of an os-release file: lines of shell
// assignments without expansion.
func parseOSRelease(text string) OS {
	values := map[string]string{}
	scanner := bufio.NewScanner(strings.NewReader(text))
	for scanner.Scan() {
		name, value, ok := strings.Cut(strings.TrimSpace(scanner.Text()), "=")
		if ok {
			values[name] = unquote(value)
		}
	}
	return OS{ID: values["ID"], Version: values["VERSION_ID"], Codename: values["VERSION_CODENAME"]}
}

// unquote takes the quotes of a shell word away, and the backslashes before what
// is special to a shell.
func unquote(value string) string {
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
		value = value[1 : n-1]
	}
	var b strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] == '\\' && i+1 < len(value) && strings.IndexByte("\\$\"'`", value[i+1]) >= 0 {
			i++
		}
		b.WriteByte(value[i])
	}
	return b.String()
}
