// SPDX-License-Identifier: MPL-2.0

package guest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// installTypePrefix begins the variables that choose how one element is installed.
const installTypePrefix = "DIB_INSTALLTYPE_"

// installTypesEnable is install-types-enable: it links the hooks of the chosen
// install types, directories install.d/PREFIX-TYPE-install of the merged tree
// at TMP_HOOKS_PATH, into install.d (element contract §3.5).
func installTypesEnable(_ context.Context, c *call) error {
	hooks, err := c.need("TMP_HOOKS_PATH")
	if err != nil {
		return err
	}
	t := installTypes{c: c, dir: filepath.Join(hooks, "install.d")}
	if err := t.scan(); err != nil {
		return err
	}
	chosen := t.chosen()
	for _, choice := range chosen {
		if err := t.enable(choice); err != nil {
			return err
		}
	}
	suffix := "-" + c.getenv("DIB_DEFAULT_INSTALLTYPE", "source") + "-install"
	for _, name := range t.present {
		prefix, ok := strings.CutSuffix(name, suffix)
		own := slices.ContainsFunc(chosen, func(ch installChoice) bool { return ch.prefix == prefix })
		if !ok || own {
			continue
		}
		if err := t.link(name); err != nil {
			return err
		}
	}
	return nil
}

type installTypes struct {
	c       *call
	dir     string
	present []string // directories of install types, by name
}

// installChoice is what one DIB_INSTALLTYPE variable says.
type installChoice struct{ variable, prefix, installType string }

// scan finds the directories of install types; no install.d is none.
func (t *installTypes) scan() error {
	entries, err := os.ReadDir(t.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for install types: %w", err)
	}
	for _, entry := range entries {
		info, err := os.Stat(filepath.Join(t.dir, entry.Name()))
		if err == nil && info.IsDir() && strings.HasSuffix(entry.Name(), "-install") {
			t.present = append(t.present, entry.Name())
		}
	}
	return nil
}

// chosen reads the variables, sorted by name. Dashes are underscores there.
func (t *installTypes) chosen() []installChoice {
	var all []installChoice
	for _, entry := range t.c.env {
		variable, _, _ := strings.Cut(entry, "=")
		name, ok := strings.CutPrefix(variable, installTypePrefix)
		if !ok || name == "" {
			continue
		}
		value, _ := t.c.lookupEnv(variable)
		all = append(all, installChoice{variable, strings.ReplaceAll(name, "_", "-"), value})
	}
	slices.SortFunc(all, func(a, b installChoice) int { return strings.Compare(a.variable, b.variable) })
	return slices.Compact(all)
}

// enable links one choice's directory, or warns that there is none: upstream
// then installs nothing without a word.
func (t *installTypes) enable(choice installChoice) error {
	name := choice.prefix + "-" + choice.installType + "-install"
	if slices.Contains(t.present, name) {
		return t.link(name)
	}
	var types []string
	for _, dir := range t.present {
		middle, ok := strings.CutPrefix(dir, choice.prefix+"-")
		if installType, ok2 := strings.CutSuffix(middle, "-install"); ok && ok2 {
			types = append(types, installType)
		}
	}
	known := "no element has install types of that name"
	if len(types) > 0 {
		known = "there are: " + strings.Join(types, ", ")
	}
	t.c.warnf("%s=%s matches no directory install.d/%s, so no hook of it runs; %s",
		choice.variable, choice.installType, name, known)
	return nil
}

// link links what is in a directory, hidden files aside, into install.d, over
// whatever file is there.
func (t *installTypes) link(name string) error {
	entries, err := os.ReadDir(filepath.Join(t.dir, name))
	if err != nil {
		return fmt.Errorf("enabling the install type %s: %w", name, err)
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		place := filepath.Join(t.dir, entry.Name())
		if err := os.Remove(place); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("enabling the install type %s: %w", name, err)
		}
		if err := os.Symlink(filepath.Join(name, entry.Name()), place); err != nil {
			return fmt.Errorf("enabling the install type %s: %w", name, err)
		}
	}
	return nil
}
