# Made by "packer-plugin-diskimage convert" of calls of disk-image-create.

packer {
  required_plugins {
    diskimage = {
      source  = "github.com/seed-736dd801/diskimage"
      version = ">= 0.1.0"
    }
  }
}

# testdata/images.yaml:2: disk-image-create -o debian-base --checksum --no-tmpfs --root-label base --install-type package vm debian-minimal
source "diskimage" "debian-base" {
  elements         = ["vm", "debian-minimal"]
  install_type     = "package"
  output_directory = "."
  image_name       = "debian-base"
  root_label       = "base"
  tmpfs            = "never"
}

build {
  sources = ["source.diskimage.debian-base"]

  post-processor "checksum" {
    checksum_types = ["md5", "sha256"]
    output         = "${build.OutputDirectory}/debian-base.qcow2.{{ .ChecksumType }}"
  }
}

# testdata/images.yaml:6: disk-image-create -o debian-web -a amd64 -t qcow2,raw -x --image-size 6 --qemu-img-options compat=0.10,compression_type=zlib -p nginx-light,curl vm debian-minimal
source "diskimage" "debian-web" {
  elements          = ["vm", "debian-minimal"]
  packages          = ["nginx-light", "curl"]
  architecture      = "amd64"
  output_directory  = "."
  image_name        = "debian-web"
  formats           = ["qcow2", "raw"]
  qcow2_compression = "zlib"
  qemu_img_options = {
    compat = "0.10"
  }
  disk_size = "6G"
  environment = {
    DIB_RELEASE     = "trixie"
    WEB_GREETING    = "say \"hello\" to $${you}"
    DIB_DEBUG_TRACE = "1"
  }
}

build {
  sources = ["source.diskimage.debian-web"]
}
