// SPDX-License-Identifier: MPL-2.0

package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seed-736dd801/packer-plugin-diskimage/internal/shell"
)

// maxImages bounds what one run converts.
const maxImages = 1000

var errTooMany = fmt.Errorf("there are more than %d images; convert them in parts", maxImages)

// Variable is one of an environment.
type Variable struct{ Name, Value string }

// Invocation is one command that builds an image. Its texts may have marks.
type Invocation struct {
	// Where is the file and line that it stands in.
	Where string
	// Program is disk-image-create or ramdisk-image-create.
	Program     string
	Environment []Variable
	Arguments   []string
	// Moved tells that relative paths are not relative to where the script
	// was started.
	Moved bool
}

// set sets a variable, in the place of an earlier one of the name.
func (i *Invocation) set(name, value string) {
	at := slices.IndexFunc(i.Environment, func(v Variable) bool { return v.Name == name })
	if at < 0 {
		i.Environment = append(i.Environment, Variable{name, value})
		return
	}
	i.Environment[at].Value = value
}

// String is the command as one might type it, without its environment.
func (i Invocation) String() string {
	words := []string{i.Program}
	for _, a := range i.Arguments {
		words = append(words, quoted(asWritten(a)))
	}
	return strings.Join(words, " ")
}

// quoted is a word for a shell, quoted where it must be.
func quoted(t string) string {
	if t != "" && !strings.ContainsFunc(t, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%$~", r)
	}) {
		return t
	}
	return shell.Quote(t)
}
