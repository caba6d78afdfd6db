# SPDX-License-Identifier: MPL-2.0
# As much of nixpkgs as packaging/nix asks for: what the functions are given is what they return.
# Prints what NixOS' module would read, as JSON.
{ repo }:
let
  names = [
    "cmake"
    "ninja"
    "pkg-config"
    "cjson"
    "curl"
    "libcap"
    "libselinux"
    "openssl"
    "pam"
    "sqlite"
  ];
  inputs = builtins.listToAttrs (map (name: { inherit name; value = name; }) names);
  pkgs = inputs // {
    lib = {
      licenses.mpl20 = "mpl20";
      platforms.linux = [ "x86_64-linux" ];
      cleanSource = path: toString path;
    };
    stdenv.mkDerivation = args: args // { outPath = "/unwrapped"; };
    symlinkJoin = args: args // args.passthru // { outPath = "/join"; };
    kanidm = {
      outPath = "/reference";
      enableSecretProvisioning = true;
    };
    # Only what a function names is handed to it, and a name that is not there is an error.
    callPackage =
      path: more:
      let
        f = import path;
      in
      f (builtins.intersectAttrs (builtins.functionArgs f) (pkgs // more));
  };
  overlaid = (import (repo + "/packaging/nix/overlay.nix")) pkgs { };
  package = overlaid.kanidm-unix;
  direct = import (repo + "/packaging/nix/default.nix") { inherit pkgs; };
in
assert direct.name == package.name;
builtins.toJSON {
  inherit (package) name version eolMessage enableSecretProvisioning;
  paths = map (p: p.outPath) package.paths;
  flags = package.unwrapped.cmakeFlags;
  inputs = builtins.sort builtins.lessThan (
    package.unwrapped.nativeBuildInputs ++ package.unwrapped.buildInputs
  );
  src = package.unwrapped.src;
  buildType = package.unwrapped.cmakeBuildType;
}
