variable "name" {
  description = "Start of the names of the role and the instance profile; a suffix makes them unique in the account, which has one namespace for all regions."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{3,38}$", var.name))
    error_message = "name: allowed are 3 to 38 letters, digits, underscores and hyphens."
  }
}

variable "policies" {
  description = "What the instance may do: policy documents in JSON by name."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.policies) : can(regex("^[A-Za-z0-9_-]{1,64}$", name))])
    error_message = "policies: allowed are names of 1 to 64 letters, digits, underscores and hyphens."
  }

  validation {
    condition     = alltrue([for policy in values(var.policies) : can(jsondecode(policy).Statement)])
    error_message = "policies: allowed are policy documents in JSON, with a Statement."
  }
}

variable "session_manager" {
  description = "Whether Systems Manager may open shells and run commands on the instance, which takes the place of SSH."
  type        = bool
  default     = true
  nullable    = false
}

variable "tags" {
  description = "Tags of everything that can have them."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition = length(var.tags) <= 50 && alltrue([
      for key, value in var.tags :
      can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{1,128}$", key)) && can(regex("^[\\p{L}\\p{Z}\\p{N}_.:/=+@-]{0,256}$", value)) && !startswith(lower(key), "aws:")
    ])
    error_message = "tags: allowed are up to 50, with keys of 1 to 128 and values of up to 256 letters, digits, spaces and _.:/=+@-, and no key that starts with aws:."
  }

  validation {
    condition     = length(distinct([for key in keys(var.tags) : lower(key)])) == length(var.tags)
    error_message = "tags: allowed are no two keys that differ in nothing but capitals; IAM takes them for one."
  }
}
