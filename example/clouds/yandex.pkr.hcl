# A Debian image for Yandex Cloud.
#
#   packer init example/clouds/yandex.pkr.hcl
#   packer build -var folder_id=… -var service_account_id=… -var bucket=my-bucket example/clouds/yandex.pkr.hcl     (as root, on Linux)
#
# The token comes from the environment (YC_TOKEN).

packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
    yandex = {
      version = ">= 1.1.0"
      source  = "github.com/hashicorp/yandex"
    }
  }
}

variable "folder_id" {
  type = string
}

variable "service_account_id" {
  type        = string
  description = "Account that may write to the bucket."
}

variable "bucket" {
  type        = string
  description = "Object Storage bucket that the image passes through."
}

source "diskimage" "debian" {
  elements = ["debian-minimal", "vm", "block-device-efi", "cloud-init", "cloud-init-datasources", "openssh-server", "growroot"]
  environment = {
    DIB_RELEASE                = "bookworm"
    DIB_CLOUD_INIT_DATASOURCES = "Ec2"
  }
  packages = ["sudo"]

  output_directory = "output-yandex"
  image_name       = "debian"
  formats          = ["qcow2"]
}

build {
  sources = ["source.diskimage.debian"]

  post-processors {
    # The importer takes images of the builders that it knows, and of artifice.
    post-processor "artifice" {
      files = [build.ImagePath]
    }

    post-processor "yandex-import" {
      folder_id          = var.folder_id
      service_account_id = var.service_account_id
      bucket             = var.bucket
      image_name         = "debian-{{timestamp}}"

      # The default is to remove the image when it is imported.
      keep_input_artifact = true
    }
  }
}
