# What `make bench` builds; .ci/bench sets the variables.

variable "elements" {
  type = list(string)
}

variable "element_paths" {
  type    = list(string)
  default = []
}

variable "compression" {
  type = string
}

variable "directory" {
  type = string
}

source "diskimage" "bench" {
  elements              = var.elements
  element_paths         = var.element_paths
  formats               = ["qcow2"]
  qcow2_compression     = var.compression
  output_directory      = "${var.directory}/out"
  image_name            = "image"
  image_cache_directory = "${var.directory}/cache"
}

build {
  sources = ["source.diskimage.bench"]
}
