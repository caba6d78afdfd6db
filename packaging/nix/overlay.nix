# SPDX-License-Identifier: MPL-2.0
# nixpkgs.overlays = [ (import ./packaging/nix/overlay.nix) ];
final: _prev: { kanidm-unix = final.callPackage ./package.nix { }; }
