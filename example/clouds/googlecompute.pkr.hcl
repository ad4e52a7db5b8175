# A Debian image for Google Compute Engine.
#
#   packer init example/clouds/googlecompute.pkr.hcl
#   packer build -var project=my-project -var bucket=my-bucket example/clouds/googlecompute.pkr.hcl     (as root, on Linux)
#
# Credentials come from the environment (GOOGLE_APPLICATION_CREDENTIALS).

packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
    googlecompute = {
      version = ">= 1.2.0"
      source  = "github.com/hashicorp/googlecompute"
    }
  }
}

variable "project" {
  type = string
}

variable "bucket" {
  type        = string
  description = "Cloud Storage bucket that the image passes through."
}

source "diskimage" "debian" {
  elements = ["debian-minimal", "vm", "block-device-efi", "cloud-init", "cloud-init-datasources", "openssh-server", "growroot"]
  environment = {
    DIB_RELEASE                = "bookworm"
    DIB_CLOUD_INIT_DATASOURCES = "GCE"
  }
  packages = ["sudo"]

  output_directory = "output-googlecompute"
  # Compute Engine wants an archive with a file disk.raw of whole GiB.
  image_name = "disk"
  formats    = ["raw"]
  disk_size  = "10G"
}

build {
  sources = ["source.diskimage.debian"]

  post-processors {
    # The image has its own name in the archive, which takes its place.
    post-processor "compress" {
      output = "${build.OutputDirectory}/debian.tar.gz"
    }

    post-processor "googlecompute-import" {
      project_id              = var.project
      bucket                  = var.bucket
      image_name              = "debian-{{timestamp}}"
      image_architecture      = "x86_64"
      image_guest_os_features = ["UEFI_COMPATIBLE", "VIRTIO_SCSI_MULTIQUEUE", "GVNIC"]
    }
  }
}
