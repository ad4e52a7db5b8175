# SPDX-License-Identifier: MPL-2.0

# Read by HashiCorp's integrations portal together with README.md and
# components/, which `make generate` renders from docs/.
integration {
  name        = "Disk Image"
  description = "Builds bootable disk images natively from diskimage-builder elements and Packer provisioners, and seeds cloud-init NoCloud."
  identifier  = "packer/seed-736dd801/diskimage"
  flags       = ["hcp-ready"]
  docs {
    process_docs    = true
    readme_location = "./README.md"
    external_url    = "https://github.com/seed-736dd801/packer-plugin-diskimage"
  }
  license {
    type = "MPL-2.0"
    url  = "https://github.com/seed-736dd801/packer-plugin-diskimage/blob/main/LICENSE"
  }
  component {
    type = "builder"
    name = "Disk Image"
    slug = "diskimage"
  }
  component {
    type = "data-source"
    name = "Elements"
    slug = "elements"
  }
  component {
    type = "data-source"
    name = "NoCloud seed"
    slug = "nocloud"
  }
  component {
    type = "provisioner"
    name = "NoCloud seed"
    slug = "nocloud"
  }
}
