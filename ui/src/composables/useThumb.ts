/** A card that a thumb moves: to the right it is good, to the left it is not. */

import { useSwipe } from "@vueuse/core";
import { computed, type Ref, ref } from "vue";

/** How far a thumb must move it, in pixels. */
const FAR = 90;

export function useThumb(card: Ref<HTMLElement | undefined>, say: (good: boolean) => void) {
  const shift = ref(0);
  const { lengthX } = useSwipe(card, {
    threshold: 20,
    onSwipe: () => (shift.value = -lengthX.value),
    onSwipeEnd() {
      const far = shift.value;
      shift.value = 0;
      if (Math.abs(far) > FAR) say(far > 0);
    },
  });
  const moved = computed(() =>
    shift.value ? { transform: `translateX(${shift.value}px) rotate(${shift.value / 60}deg)` } : undefined,
  );
  /** What it will mean when it is let go. */
  const leans = computed(() => (shift.value > 40 ? "good" : shift.value < -40 ? "bad" : undefined));
  return { moved, leans };
}
