/** Made by scripts/enums.mjs from the contract: `npm run schema`. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export const ageValues = ["child","adult","elder"] as const satisfies Schemas["Age"][];
export const attemptStateValues = ["running","succeeded","failed","lost","cancelled"] as const satisfies Schemas["AttemptState"][];
export const cameraAngleValues = ["eye-level","high","low","dutch","overhead","over-shoulder"] as const satisfies Schemas["CameraAngle"][];
export const checkpointValues = ["pictures","clips"] as const satisfies Schemas["Checkpoint"][];
export const classValues = ["interactive","production","background"] as const satisfies Schemas["Class"][];
export const datasetReviewStateValues = ["running","done","stopped"] as const satisfies Schemas["DatasetReviewState"][];
export const deciderValues = ["person","judge"] as const satisfies Schemas["Decider"][];
export const decisionKindValues = ["gate","order","memory","swap","quarantine","hand","judge","replenish","picture"] as const satisfies Schemas["DecisionKind"][];
export const episodeStateValues = ["draft","producing","awaiting_approval","assembled","published","failed"] as const satisfies Schemas["EpisodeState"][];
export const eventKindValues = ["task.made","task.reused","task.early","task.in_vain","task.failed","task.cancelled","attempt.failed","take.chosen","take.again","episode.failed","episode.awaits","episode.written","episode.unpublished","fleet.quiet","project.changed","project.removed","character.changed","location.changed","dataset.changed","picture.added","picture.refused","picture.changed","ingest.changed","portrait.added","portrait.changed","story.begun","story.ended","story.removed"] as const satisfies Schemas["EventKind"][];
export const failureKindValues = ["transient","out_of_memory","refused","bad_input","disk_full","away","lost","unable","cancelled","left"] as const satisfies Schemas["FailureKind"][];
export const fetchRefusalValues = ["login","private","unavailable","region","too_often","protected","forbidden","unsupported","format"] as const satisfies Schemas["FetchRefusal"][];
export const genderValues = ["female","male","neutral"] as const satisfies Schemas["Gender"][];
export const ingestStateValues = ["waiting","running","done","failed","cancelled"] as const satisfies Schemas["IngestState"][];
export const ingestStepValues = ["fetch","look","take"] as const satisfies Schemas["IngestStep"][];
export const issueValues = ["blurry","artifact_flicker","frozen_motion","poor_lighting","color_shift","bad_anatomy","text_watermark","wrong_action","wrong_character","wrong_style","not_solo"] as const satisfies Schemas["Issue"][];
export const loadStateValues = ["coming","here","leaving"] as const satisfies Schemas["LoadState"][];
export const motionValues = ["static","pan-left","pan-right","push-in","pull-out","tilt-up","tilt-down","handheld"] as const satisfies Schemas["Motion"][];
export const pictureStateValues = ["pending","approved","rejected"] as const satisfies Schemas["PictureState"][];
export const portraitOutcomeValues = ["approved","awaits_person","rejected","judge_away","not_made"] as const satisfies Schemas["PortraitOutcome"][];
export const portraitViewValues = ["establishing","full_body","face","front","three_quarter","side","smile","angry","sad","surprised"] as const satisfies Schemas["PortraitView"][];
export const problemCodeValues = ["bad_request","login_needed","wrong_password","foreign_origin","foreign_host","not_allowed","other_project","not_found","method_not_allowed","conflict","task_over","task_not_waiting","task_not_open","task_not_failed","task_without_episode","no_such_scope","nothing_to_free","being_made","plan_unknown","not_in_library","no_library","no_take","not_made","made_anew","no_part","no_source","not_in_script","nothing_locked","has_no_takes","file_not_kept","wrong_file","nothing_awaits","not_all_made","project_exists","too_many_stories","sheet_full","portrait_approved","nothing_approved","too_many_ingests","ingest_over","nothing_to_review","no_eyes","review_over","no_downloader","house_address","still_running","changed","too_large","wrong_kind","mistakes","slow_down","internal","disk_full","unavailable"] as const satisfies Schemas["ProblemCode"][];
export const rejectionValues = ["not_solo","wrong_appearance","wrong_pose","wrong_expression","wrong_style","text_or_watermark","bad_quality","too_small","blurry","too_dark","low_contrast"] as const satisfies Schemas["Rejection"][];
export const roleValues = ["picture","layer","video","last_frame","sound","srt","vtt","thumb","poster","fanart"] as const satisfies Schemas["Role"][];
export const routeRuleValues = ["asked","stands_in","establishing","nobody","lora","one_character","several_characters"] as const satisfies Schemas["RouteRule"][];
export const rungValues = ["free","tiled_vae","preserve_more","quantised","fewer_frames","smaller_size","other_engine"] as const satisfies Schemas["Rung"][];
export const sceneStateValues = ["draft","generating","completed","failed"] as const satisfies Schemas["SceneState"][];
export const settingValues = ["interior","exterior","both"] as const satisfies Schemas["Setting"][];
export const shotStateValues = ["pending","generating","completed","accepted_best","ask_person","failed"] as const satisfies Schemas["ShotState"][];
export const shotTypeValues = ["establishing","wide","medium","close-up","extreme-close-up","action"] as const satisfies Schemas["ShotType"][];
export const standingValues = ["good","note","bad"] as const satisfies Schemas["Standing"][];
export const storyStateValues = ["writing","told","failed"] as const satisfies Schemas["StoryState"][];
export const subjectValues = ["still","clip"] as const satisfies Schemas["Subject"][];
export const taskStateValues = ["waiting","running","succeeded","failed","needs_person","cancelled"] as const satisfies Schemas["TaskState"][];
export const timeOfDayValues = ["dawn","morning","midday","afternoon","sunset","evening","night"] as const satisfies Schemas["TimeOfDay"][];
export const tokenScopeValues = ["read","review","write","admin"] as const satisfies Schemas["TokenScope"][];
export const transitionKindValues = ["cut","dissolve","fade","fadeblack","wipeleft"] as const satisfies Schemas["TransitionKind"][];
export const videoEngineValues = ["draft","framepack","framepack_f1","ltx","wan"] as const satisfies Schemas["VideoEngine"][];
export const visitValues = ["judge","describe","identify"] as const satisfies Schemas["Visit"][];
export const weatherValues = ["clear","cloudy","rain","storm","snow","fog"] as const satisfies Schemas["Weather"][];
export const weekdayValues = ["mon","tue","wed","thu","fri","sat","sun"] as const satisfies Schemas["Weekday"][];
