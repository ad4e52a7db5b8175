# A Debian custom image for DigitalOcean.
#
#   packer init example/clouds/digitalocean.pkr.hcl
#   packer build -var space=my-space example/clouds/digitalocean.pkr.hcl     (as root, on Linux)
#
# Credentials come from the environment: DIGITALOCEAN_TOKEN,
# DIGITALOCEAN_SPACES_ACCESS_KEY, DIGITALOCEAN_SPACES_SECRET_KEY. Everybody can
# read the object in the Space while it is there: keep secrets out of the image.

packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
    digitalocean = {
      version = ">= 1.4.0"
      source  = "github.com/digitalocean/digitalocean"
    }
  }
}

variable "space" {
  type        = string
  description = "Space that the image passes through."
}

variable "region" {
  type    = string
  default = "fra1"
}

source "diskimage" "debian" {
  elements = ["debian-minimal", "vm", "block-device-efi", "cloud-init", "cloud-init-datasources", "openssh-server", "growroot"]
  environment = {
    DIB_RELEASE                = "bookworm"
    DIB_CLOUD_INIT_DATASOURCES = "DigitalOcean, ConfigDrive"
  }
  packages = ["sudo"]

  output_directory = "output-digitalocean"
  image_name       = "debian"
  formats          = ["qcow2"]
}

build {
  sources = ["source.diskimage.debian"]

  post-processor "digitalocean-import" {
    spaces_region      = var.region
    space_name         = var.space
    space_object_name  = "debian-{{timestamp}}.qcow2"
    image_name         = "debian-{{timestamp}}"
    image_distribution = "Debian"
    image_regions      = [var.region]

    # The default is to remove the image when it is imported.
    keep_input_artifact = true
  }
}
