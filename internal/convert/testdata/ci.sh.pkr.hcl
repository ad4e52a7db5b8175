# Made by "packer-plugin-diskimage convert" of calls of disk-image-create.
# testdata/ci.sh:18: note: $DIB_RELEASE is not set in the script, so the value written for that case is taken: "bookworm"
# testdata/ci.sh:21: note: $NAME is not set in the script, so the value written for that case is taken: "web"
# testdata/ci.sh:22: not the same: ./openrc is not read: write what it sets for disk-image-create in front of the command
# testdata/ci.sh:23: note: DIB_UNSEEN is set but not exported: disk-image-create does not see it, and it is left out
# testdata/ci.sh:26: note: disk-image-create stands under a condition, in a loop or in a function; it is converted as if it ran once
# testdata/ci.sh:26: note: DIB_UNSEEN is set but not exported: disk-image-create does not see it, and it is left out
# testdata/ci.sh:23: not the same: -o: "$WORKSPACE/images/web-$(date +%F)" cannot be read without a shell; it is left out; a date is formatdate("YYYYMMDD", timestamp()) in a template
# testdata/ci.sh:23: not the same: elements: "$ELEMENTS" cannot be read without a shell; it is left out
# testdata/ci.sh:23: error: disk-image-create names no element that can be read, so there is no image to build

packer {
  required_plugins {
    diskimage = {
      source  = "github.com/seed-736dd801/diskimage"
      version = ">= 0.1.0"
    }
  }
}

# testdata/ci.sh:26: disk-image-create -o deb-$r --checksum debian-minimal
# not the same: -o: "deb-$r" cannot be read without a shell; it is left out
# not the same: DIB_RELEASE: "$r" cannot be read without a shell; it is left out
source "diskimage" "image" {
  elements         = ["debian-minimal"]
  element_paths    = ["${path.cwd}/elements", "${pathexpand("~")}/src/elements"]
  output_directory = "."
  image_name       = "image"
  environment = {
    DIB_BLOCK_DEVICE_CONFIG = <<EOT

- local_loop:
    name: image0
- partitioning:
    base: image0
    label: mbr
    partitions:
      - name: root
        flags: [ boot, primary ]
        size: 100%
        mkfs: { mount: { mount_point: / } }
EOT
    DIB_X                   = "a$${b}%%{c}\"d{{`{{`}}e}}"
  }
}

build {
  sources = ["source.diskimage.image"]

  post-processor "checksum" {
    checksum_types = ["md5", "sha256"]
    output         = "${build.OutputDirectory}/image.qcow2.{{ .ChecksumType }}"
  }
}
