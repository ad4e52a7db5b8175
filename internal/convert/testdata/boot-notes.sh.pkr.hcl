# Made by "packer-plugin-diskimage convert" of calls of disk-image-create.

packer {
  required_plugins {
    diskimage = {
      source  = "github.com/seed-736dd801/diskimage"
      version = ">= 0.1.0"
    }
  }
}

# testdata/boot-notes.sh:4: disk-image-create -t raw centos7 vm selinux-permissive devuser cloud-init-nocloud -o centos7-baremetal
source "diskimage" "centos7-baremetal" {
  elements         = ["centos7", "vm", "selinux-permissive", "devuser", "cloud-init-nocloud"]
  output_directory = "."
  image_name       = "centos7-baremetal"
  formats          = ["raw"]
}

build {
  sources = ["source.diskimage.centos7-baremetal"]
}
