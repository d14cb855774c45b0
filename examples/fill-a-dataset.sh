#!/bin/sh
# Shows the loop that fills a dataset, on any machine and without any service: a film of a few seconds makes a character
# known, then the draft draws pictures of her until twelve are approved. Takes about a minute.
#
#   examples/fill-a-dataset.sh [FOLDER]     STUDIOD names the program, if it is not on the path
set -eu
here=$(dirname "$0")
studiod=${STUDIOD:-studiod}
data=${1:-$(mktemp -d)}

"$studiod" --data-dir "$data" produce "$here/a-face.fountain" --library "$data/library"
"$studiod" --data-dir "$data" dataset set mara target=12 daily=100 cooldown_s=0
"$studiod" --data-dir "$data" dataset fill mara
"$studiod" --data-dir "$data" dataset pictures mara --state approved
echo "look at them: $studiod --data-dir $data serve, then Characters, MARA, Dataset"
