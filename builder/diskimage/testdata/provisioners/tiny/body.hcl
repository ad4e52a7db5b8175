  # SPDX-License-Identifier: MPL-2.0
  # The body of a build, wrapped by a test; path.root has the files beside this one.

  # shell: values that a shell on the way would change
  provisioner "shell" {
    environment_vars = [
      "SPACED=two  words",
      "QUOTED=it's \"quoted\"",
      "EXPANDED=$HOME $(id) `id` $$ \\n !",
      "EMPTY=",
      "ACCENTS=Überraschung → ✓",
    ]
    env = { LINES = "one\ntwo" }
    inline = [
      "mkdir /etc/shell",
      "for value in \"$SPACED\" \"$QUOTED\" \"$EXPANDED\" \"$EMPTY\" \"$ACCENTS\" \"$LINES\" \"$(pwd)\"; do printf '<%s>\\n' \"$value\"; done > /etc/shell/inline",
      "id -u > /etc/shell/user",
      "echo to stdout; echo to stderr >&2",
      "printf 'no newline at the end'",
    ]
  }

  provisioner "shell" {
    script = "${path.root}/script.sh"
  }

  provisioner "shell" {
    scripts = ["${path.root}/first.sh", "${path.root}/second.sh"]
  }

  provisioner "shell" {
    use_env_var_file = true
    environment_vars = ["FROM_FILE=it's in a file"]
    inline           = ["printf '%s\\n' \"$FROM_FILE\" > /etc/shell/env-file"]
  }

  provisioner "shell" {
    environment_vars = ["NAME=a value"]
    execute_command  = "chmod +x {{.Path}}; env -i {{.Vars}} /bin/bash -eu {{.Path}} 'an argument' \"$((40 + 2))\""
    remote_folder    = "/var/log"
    inline_shebang   = "/bin/bash -e"
    inline           = ["printf '%s\\n' \"$0\" \"$1\" \"$2\" \"$NAME\" \"$${HOME-none}\" > /etc/shell/execute-command"]
  }

  provisioner "shell" {
    valid_exit_codes = [0, 3, 143]
    inline           = ["echo reached > /etc/shell/exit-code", "exit 3", "echo not reached >> /etc/shell/exit-code"]
  }

  provisioner "shell" {
    valid_exit_codes = [143] # 128 and the number of the signal
    inline           = ["kill -TERM $$"]
  }

  # file: every direction, with and without the slash at the end
  provisioner "shell" {
    inline = ["mkdir -p /srv/existing /srv/slash /srv/without /srv/sources"]
  }
  provisioner "file" {
    source      = "${path.root}/upload/program"
    destination = "/srv/program"
  }
  provisioner "file" {
    content     = "content with $HOME and 'quotes'\n"
    destination = "/srv/content"
  }
  provisioner "file" {
    source      = "${path.root}/upload/program"
    destination = "/srv/existing"
  }
  provisioner "file" {
    source      = "${path.root}/upload/program"
    destination = "/srv/made for it/" # a directory that is not there yet
  }
  provisioner "file" {
    sources     = ["${path.root}/upload/program", "${path.root}/upload/with space"]
    destination = "/srv/sources/"
  }
  provisioner "file" {
    source      = "${path.root}/upload/tree/"
    destination = "/srv/slash"
  }
  provisioner "file" {
    source      = "${path.root}/upload/tree"
    destination = "/srv/without"
  }
  provisioner "file" {
    direction   = "download"
    source      = "/srv/program"
    destination = "${path.root}/down/program"
  }
  provisioner "file" {
    direction   = "download"
    source      = "/srv/content"
    destination = "${path.root}/down/directory/"
  }
  provisioner "file" {
    direction   = "download"
    source      = "/srv/slash/"
    destination = "${path.root}/down/slash/"
  }
  provisioner "file" {
    direction   = "download"
    source      = "/srv/s*/*.txt"
    destination = "${path.root}/down/glob/"
  }

  # What runs on the host knows the image's root file system by its path there.
  provisioner "shell-local" {
    environment_vars = ["MOUNT=${build.MountPath}"]
    inline = [
      "cp \"$MOUNT/etc/hostname\" '${path.root}/hostname'",
      "echo 'from the host' > \"$MOUNT/etc/from-host\"",
      "printf '%s\\n' '${build.OSType}' '${build.Architecture}' '${build.OutputDirectory}' '${build.ImagePath}' \"$PACKER_BUILDER_TYPE\" > '${path.root}/generated'",
      "test '${build.OSArch}' = \"$(uname -m)\"",
    ]
  }

  provisioner "shell" {
    inline = [
      "printf '%s' '{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.5\",\"version\":1,\"components\":[]}' > /tmp/sbom.json",
    ]
  }
  provisioner "hcp-sbom" {
    source      = "/tmp/sbom.json"
    destination = "${path.root}/sbom.json"
    sbom_name   = "tiny-sbom"
  }

  provisioner "breakpoint" {
    disable = true
    note    = "not now"
  }

  provisioner "diskimage-nocloud" {
    hostname  = "tiny"
    user_data = "#cloud-config\npackages: [nginx]\n"
  }
