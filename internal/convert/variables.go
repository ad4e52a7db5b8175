// SPDX-License-Identifier: MPL-2.0

package convert

import "slices"

// inFor are variables that do what an option does, where that is not given.
var inFor = []struct{ variable, option string }{
	{"ARCH", "-a"},
	{"IMAGE_NAME", "-o"},
	{"DIB_CHECKSUM", "--checksum"},
	{"DIB_IMAGE_SIZE", "--image-size"},
	{"DIB_IMAGE_EXTRA_SIZE", "--image-extra-size"},
	{"DIB_JOURNAL_SIZE", "--mkfs-journal-size"},
	{"DIB_IMAGE_CACHE", "--image-cache"},
	{"MAX_ONLINE_RESIZE", "--max-online-resize"},
	{"QEMU_IMG_OPTIONS", "--qemu-img-options"},
	{"DIB_DEFAULT_INSTALLTYPE", "--install-type"},
	{"DIB_MIN_TMPFS", "--min-tmpfs"},
}

// switches are variables that do so if they are 1. Any other value goes into
// the environment, where it means what it meant.
var switches = []struct{ variable, option string }{
	{"SKIP_BASE", "-n"}, {"DIB_NO_TMPFS", "--no-tmpfs"}, {"DIB_OFFLINE", "--offline"},
}

// gone are variables that the template does not need, with the reason.
var gone = []struct{ variable, reason string }{
	{"PATH", "programs are found on the PATH that packer is started with"},
	{"PWD", "it is packer's working directory"},
	{"_LIB", "the plugin has its own"},
	{"DIB_PYTHON_EXEC", "the plugin needs no Python, and gives elements its own stand-in"},
	{"DIB_GZIP_BIN", "it is for the format tgz"},
	{"ACI_MANIFEST", "it is for the format aci"},
	{"DIB_QUIET", "what is shown is packer's to say"},
	{"DIB_NO_TIMESTAMP", "packer shows times only with -timestamp-ui"},
	{"OVERWRITE_OLD_IMAGE", "packer build -force replaces an image, and without it none is touched"},
	{"DIB_SHOW_IMAGE_USAGE", "provisioners can look into the image: du -x / in a shell provisioner"},
	{"DIB_SHOW_IMAGE_USAGE_FULL", "provisioners can look into the image: du -x / in a shell provisioner"},
	{"EXTRA_DETACH", "loop devices free themselves when a build ends"},
	{"EXTRA_UNMOUNT", "mounts vanish with the namespaces of a build"},
	{"CLEAR_ENV", "it never worked"},
}

// reset are variables that disk-image-create empties before it reads options.
var reset = []string{"IMAGE_TYPES", "COMPRESS_IMAGE", "INSTALL_PACKAGES", "MKFS_OPTS", "ROOT_LABEL", "LOGFILE", "DOCKER_TARGET"}

// readVariables gives variables that stand in for options their place among
// these, and says which ones have none.
func (c *converter) readVariables(w *wishes) {
	for _, v := range inFor {
		value, ok := w.take(v.variable)
		if _, given := w.options[v.option]; ok && !given && value != "" && c.readable(v.variable, value) {
			w.options[v.option] = value
		}
	}
	for _, s := range switches {
		at := slices.Index(w.variables, Variable{s.variable, "1"})
		if at >= 0 {
			w.options[s.option] = ""
			w.variables = slices.Delete(w.variables, at, at+1)
		}
	}
	for _, g := range gone {
		if _, ok := w.take(g.variable); ok {
			c.tell(Note, "%s is left out: %s", g.variable, g.reason)
		}
	}
	for _, name := range reset {
		if _, ok := w.take(name); ok {
			c.tell(Note, "%s is left out: disk-image-create resets it, so it never had an effect", name)
		}
	}
	w.variables = slices.DeleteFunc(w.variables, func(v Variable) bool { return !c.readable(v.Name, v.Value) })
}
