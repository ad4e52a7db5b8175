# SPDX-License-Identifier: MPL-2.0

# A list of elements that is checked before anything is built: which elements,
# hooks and packages it comes to, and whether one of them is forbidden.
#
#   packer build -only='policy.*' policy.pkr.hcl        # no root, any system with evaluate=false
#   sudo packer build -only='image.*' policy.pkr.hcl    # root, Linux

packer {
  required_plugins {
    diskimage = {
      version = ">= 0.1.0"
      source  = "github.com/seed-736dd801/diskimage"
    }
  }
}

variable "forbidden_packages" {
  type        = list(string)
  description = "Packages that no image may have, by the elements' or the distribution's name."
  default     = ["telnet", "rsh-client", "xinetd"]
}

variable "element_paths" {
  type    = list(string)
  default = []
}

variable "evaluate" {
  type        = bool
  description = "Decide the conditions of package lists, which needs Linux. Else what is undecided counts as there."
  default     = true
}

variable "output_directory" {
  type    = string
  default = "output-policy"
}

# Variables rather than locals, which data sources can only use since Packer 1.12.
variable "elements" {
  type    = list(string)
  default = ["debian-minimal", "vm", "block-device-efi", "openssh-server"]
}

variable "environment" {
  type    = map(string)
  default = { DIB_RELEASE = "bookworm" }
}

data "diskimage-elements" "image" {
  elements      = var.elements
  element_paths = var.element_paths
  environment   = var.environment
  evaluate      = var.evaluate
}

locals {
  violations = [
    for p in data.diskimage-elements.image.packages :
    "package ${p.name}, which element ${p.element} brings (${p.source}, line ${p.line})"
    if p.action == "install" && p.applies != "no" &&
    length(setintersection(concat([p.name], p.mapped), var.forbidden_packages)) > 0
  ]
}

source "null" "check" {
  communicator = "none"
}

build {
  name    = "policy"
  sources = ["source.null.check"]

  provisioner "shell-local" {
    env = {
      PLAN       = data.diskimage-elements.image.text
      VIOLATIONS = join("\n", local.violations)
    }
    inline = [
      "printf '%s\\n' \"$PLAN\"",
      "if [ -n \"$VIOLATIONS\" ]; then printf 'Forbidden:\\n%s\\n' \"$VIOLATIONS\" >&2; exit 1; fi",
    ]
  }
}

source "diskimage" "image" {
  elements         = var.elements
  element_paths    = var.element_paths
  environment      = var.environment
  output_directory = var.output_directory
}

build {
  name    = "image"
  sources = ["source.diskimage.image"]
}
