# A Debian template for Exoscale.
#
#   packer init example/clouds/exoscale.pkr.hcl
#   packer build -var bucket=my-bucket example/clouds/exoscale.pkr.hcl     (as root, on Linux)

packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
    exoscale = {
      version = ">= 0.5.0"
      source  = "github.com/exoscale/exoscale"
    }
  }
}

variable "bucket" {
  type        = string
  description = "Object storage bucket that the image passes through."
}

variable "zone" {
  type    = string
  default = "ch-gva-2"
}

variable "api_key" {
  type      = string
  default   = env("EXOSCALE_API_KEY")
  sensitive = true
}

variable "api_secret" {
  type      = string
  default   = env("EXOSCALE_API_SECRET")
  sensitive = true
}

source "diskimage" "debian" {
  elements = ["debian-minimal", "vm", "block-device-efi", "cloud-init", "cloud-init-datasources", "openssh-server", "growroot"]
  environment = {
    DIB_RELEASE                = "bookworm"
    DIB_CLOUD_INIT_DATASOURCES = "Exoscale"
  }
  packages = ["sudo"]

  output_directory = "output-exoscale"
  image_name       = "debian"
  formats          = ["qcow2"]
  disk_size        = "10G"
}

build {
  sources = ["source.diskimage.debian"]

  post-processors {
    # The importer takes images of the builders that it knows, and of artifice.
    post-processor "artifice" {
      files = [build.ImagePath]
    }

    post-processor "exoscale-import" {
      api_key                   = var.api_key
      api_secret                = var.api_secret
      image_bucket              = var.bucket
      template_zones            = [var.zone]
      template_name             = "debian-{{timestamp}}"
      template_username         = "debian"
      template_boot_mode        = "uefi"
      template_disable_password = true

      # The default is to remove the image when it is imported.
      keep_input_artifact = true
    }
  }
}
