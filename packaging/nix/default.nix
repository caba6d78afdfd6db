# SPDX-License-Identifier: MPL-2.0
# nix-build packaging/nix
{
  pkgs ? import <nixpkgs> { },
}:
pkgs.callPackage ./package.nix { }
